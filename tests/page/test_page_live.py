"""A training that goes on: how far it is, and asking it to stop."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from page_runs import Visitor, seen, settings_of

from cnnlab.errors import Interrupted, RunError
from cnnlab.files import exclusive_lock
from cnnlab.page.progress import ProgressReader, ask_to_stop
from cnnlab.runs import Run, open_run
from cnnlab.training.events import BatchDone
from cnnlab.training.loop import train


@contextmanager
def running(run: Run) -> Iterator[None]:
    """As if a process trained it."""
    with exclusive_lock(run.lock_file):
        yield


def _sample(run: Run, **place: int) -> None:
    sample = {"seconds": 10.0, "cpu_percent": 90.0, "memory_bytes": 1e6, **place}
    run.append("resources.jsonl", sample)


def test_progress_is_the_further_of_epochs_and_steps(runs: Path) -> None:
    run = Run(runs / "cut")
    steps = -(-len(run.split["train"]) // 16)
    for lines, place, done in (
        (0, None, 0),
        (0, (1, 1, 3), 3),
        (1, (1, 1, 3), steps),
        (1, (1, 2, 4), steps + 4),
        (2, (1, 2, 4), 2 * steps),
    ):
        for file in ("metrics.jsonl", "timing.jsonl", "resources.jsonl"):
            (run.path / file).unlink(missing_ok=True)
        for epoch in range(1, lines + 1):
            run.append("metrics.jsonl", {"stage": 1, "epoch": epoch})
        if place:
            _sample(run, stage=place[0], epoch=place[1], step=place[2])
        with running(run):
            found = ProgressReader().of(run)
        assert found.share == pytest.approx(done / (2 * steps))
        assert found.state == "running"
        if place and 0 < found.share < 1:
            assert found.left_seconds == pytest.approx(10 * (1 - found.share) / found.share)


def test_the_page_of_a_running_run_grows_and_has_a_button(visit: Visitor, runs: Path) -> None:
    run = Run(runs / "cut")
    with running(run):
        page = visit.get("/runs/cut").text
        assert "Stop training" in page
        assert 'data-live="running"' in page
        first = visit.get("/runs/cut/live")
        assert first.headers["x-run-state"] == "running"
        run.append("metrics.jsonl", {"stage": 1, "epoch": 3, "train_accuracy": 0.75,
                                     "train_loss": 0.5})  # fmt: skip
        grown = visit.get("/runs/cut/live")
        assert first.text != grown.text
        assert "train ends at 75" in grown.text
    assert visit.get("/runs/cut/live").headers["x-run-state"] == "done"
    assert "Stop training" not in visit.get("/runs/cut").text


def test_asking_to_stop_leaves_the_file_once_and_only_where_somebody_trains(
    visit: Visitor, runs: Path
) -> None:
    run = Run(runs / "cut")
    assert visit.post("/runs/cut/stop", data={"token": visit.token}).status_code == 409
    assert not run.stop_file.exists()
    with running(run):
        answer = visit.post("/runs/cut/stop", data={"token": visit.token})
        assert (answer.status_code, answer.headers["location"]) == (303, "/runs/cut")
        assert run.stop_file.is_file()
        assert "Stopping" in visit.get("/runs/cut").text
    with pytest.raises(RunError, match="nobody is training it"):
        ask_to_stop(Run(runs / "first"))


def test_a_training_stops_when_the_page_asks(
    pictures: Path, tiny_model: Path, tmp_path: Path
) -> None:
    """Case 18, from the button to the checkpoint."""
    runs = tmp_path / "runs"
    begun, ended = threading.Event(), []

    def watch(event: object) -> None:
        if isinstance(event, BatchDone):
            begun.set()

    settings = settings_of(pictures, tiny_model, name="long", training={"epochs": 5000})

    def work() -> None:
        try:
            train(settings, runs, watch)
        except Interrupted as error:
            ended.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    assert begun.wait(60)
    ask_to_stop(open_run(runs / "long"))
    thread.join(60)
    assert [error.exit_code for error in ended] == [143]
    run = open_run(runs / "long")
    assert run.status == "unfinished"
    assert list(run.checkpoints.glob("last-*.safetensors"))
    assert not run.stop_file.exists()


def test_what_was_just_trained_is_awaited_until_it_is_evaluated(visit: Visitor, runs: Path) -> None:
    (runs / "first" / "predictions" / "validation.npz").unlink()
    (runs / "first" / "result.json").touch()
    answer = visit.get("/runs/first/live")
    assert answer.headers["x-run-state"] == "settling"
    assert "validation is being evaluated" in seen(answer.text)
