"""Run directories on their way: whole on arrival, or not there; and letters in their order."""

import asyncio
import os
from pathlib import Path

import pytest
from small_runs import make_run

from cnnlab.errors import FailedError
from cnnlab.workflows.executors import transfer
from cnnlab.workflows.executors.folders import own_folder
from cnnlab.workflows.executors.ray_mailbox import Mailbox
from cnnlab.workflows.executors.transfer import (
    Arrival,
    Departure,
    Piece,
    pieces_of,
)


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    """Every checkpoint comes in several."""
    monkeypatch.setattr(transfer, "PIECE_BYTES", 1000)


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*")) if path.is_file()}  # fmt: skip


def send(departure, target):
    arrival = Arrival(target)
    pieces = list(departure.pieces())
    for piece in pieces:
        arrival.take(piece)
    arrival.put_in_place(departure.manifest())
    return pieces


def test_a_run_arrives_whole_and_again_only_what_changed(tmp_path):
    run = make_run(tmp_path / "there", "pets")
    (run.path / "empty.txt").touch()
    (run.path / "exactly.bin").write_bytes(b"x" * 2000)
    target, departure = tmp_path / "here" / "pets", Departure(run.path)
    assert len(send(departure, target)) > len(content(run.path)) + 2
    assert content(target) == content(run.path)
    assert (target / "figures").is_dir()

    (run.path / ".lock").touch()
    (run.path / "stop").touch()
    (run.checkpoints / ".last.tmp").touch()
    run.append("metrics.jsonl", {"epoch": 3})
    (run.checkpoints / "last-000000010.safetensors").unlink()
    (run.checkpoints / "last-000000030.safetensors").write_bytes(b"y" * 1500)
    sent = {piece.name for piece in send(departure, target)}
    assert sent == {"metrics.jsonl", "checkpoints/last-000000030.safetensors"}
    expected = content(run.path)
    for name in (".lock", "stop", "checkpoints/.last.tmp"):
        del expected[name]
    assert content(target) == expected
    assert [path.name for path in target.parent.iterdir()] == ["pets"]


def test_what_is_appended_while_it_is_sent_comes_the_next_time(tmp_path):
    file = tmp_path / "resources.jsonl"
    file.write_bytes(b"a" * 1500)
    pieces = []
    for piece in pieces_of(tmp_path, {file.name: 1500}):
        pieces.append(piece)
        with file.open("ab") as stream:
            stream.write(b"b" * 1000)
    assert b"".join(piece.content for piece in pieces) == b"a" * 1500


@pytest.mark.parametrize(
    "name",
    ["../x", "/etc/x", "a/../../x", "", "a\0b", ".lock", "checkpoints/.x.tmp", "stop"],
)
def test_a_name_that_is_none_of_a_run_is_refused(tmp_path, name):
    arrival = Arrival(tmp_path / "runs" / "pets")
    with pytest.raises(FailedError, match="is no name of a run's file"):
        arrival.take(Piece(name, 0, b"x"))
    with pytest.raises(FailedError, match="is no name of a run's file"):
        arrival.put_in_place({name: 1})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("pieces", "manifest", "said"),
    [
        ([("a", 0, b"12")], {"a": 3}, "a has not come whole"),
        ([("a", 0, b"12")], {"a": 2, "b": 1}, "b has not come whole"),
        ([("a", 0, b"12"), ("b", 0, b"1")], {"a": 2}, "b was not announced"),
        ([("a", 2, b"12")], {"a": 4}, "a piece of a is missing"),
        ([("a", 0, b"12"), ("a", 0, b"12")], {"a": 2}, "a piece of a is missing"),
    ],
)
def test_what_has_not_come_whole_is_not_put_in_place(tmp_path, pieces, manifest, said):
    target = tmp_path / "pets"
    arrival = Arrival(target)

    def receive():
        for piece in pieces:
            arrival.take(Piece(*piece))
        arrival.put_in_place(manifest)

    with pytest.raises(FailedError, match=said):
        receive()
    assert not target.exists()
    arrival.abandon()
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_is_there_can_be_gone_on_with_at_any_instant(tmp_path, monkeypatch):
    """Records never say less than the newest checkpoint; the result comes last of all."""
    run = make_run(tmp_path / "there", "pets", status=None)
    target, departure = tmp_path / "here" / "pets", Departure(run.path)
    send(departure, target)
    (run.checkpoints / "last-000000030.safetensors").write_bytes(b"y")
    (run.path / "result.json").write_text("{}")
    for name in ("metrics.jsonl", "config.yaml", "checkpoints/best.safetensors"):
        with (run.path / name).open("ab") as stream:
            stream.write(b"\n")
    order = []
    replace = Path.replace

    def note(self, place):
        order.append(place.relative_to(target).as_posix())
        return replace(self, place)

    monkeypatch.setattr(Path, "replace", note)
    send(departure, target)
    assert order == [
        "config.yaml", "metrics.jsonl", "checkpoints/best.safetensors",
        "checkpoints/last-000000030.safetensors", "result.json",
    ]  # fmt: skip


def test_what_the_dead_left_is_removed_and_what_the_living_write_is_not(tmp_path):
    dead, living = tmp_path / "job-999999999-aa", tmp_path / f"job-{os.getpid()}-aa"
    other = tmp_path / "job-notes"
    for folder in (dead, living, other):
        folder.mkdir()
    with own_folder("job", tmp_path) as own:
        assert own.is_dir()
        assert set(tmp_path.iterdir()) == {own, living, other}
    assert set(tmp_path.iterdir()) == {living, other}


def test_a_mailbox_keeps_order_makes_wait_and_answers():
    async def post():
        mailbox = Mailbox()
        assert await mailbox.take(0.001) == []
        sending = [asyncio.create_task(mailbox.send(("n", "key", n))) for n in range(20)]
        taken = []
        while len(taken) < 20:
            letters = await mailbox.take(1.0)
            assert 1 <= len(letters) <= 9, "eight, and one for which there was room meanwhile"
            taken += [number for _, _, number in letters]
        await asyncio.gather(*sending)
        assert taken == list(range(20))

        asking = asyncio.create_task(mailbox.ask(("epoch", "key", 1)))
        assert await mailbox.take(1.0) == [("epoch", "key", 1)]
        await mailbox.answer("another", False)
        assert not asking.done()
        await mailbox.answer("key", True)
        assert await asking is True
        await mailbox.answer("key", False)
        assert await mailbox.stopping() is False
        await mailbox.stop()
        assert await mailbox.stopping() is True

    asyncio.run(post())
