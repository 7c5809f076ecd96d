"""Starting ranks and seeing them to their end; small shell scripts stand for them, but for one."""

import re
import signal
import subprocess
import sys

import psutil
import pytest
from forked import led, together
from stopping import kill_at

from cnnlab.errors import ConfigError, Interrupted, RankError
from cnnlab.ranks import LOST, RENDEZVOUS
from cnnlab.runs import open_run
from cnnlab.training import launch as launching
from cnnlab.training.launch import launch
from cnnlab.training.loop import resume

CNNLAB = [sys.executable, "-m", "cnnlab"]


@pytest.fixture
def ranks(tmp_path, monkeypatch):
    """Let a shell script stand for cnnlab."""

    def are(script):
        path = tmp_path / "cnnlab"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(path))
        monkeypatch.setattr(launching, "_GRACE_SECONDS", 0.3)

    return are


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("exit 0", 0),
        (f"[ $RANK = 0 ] && exit 2; exit {LOST}", 2),
        (f"[ $RANK = 1 ] && exit 3; exit {LOST}", 3),
        ("exit 143", 143),
        # One that was asked to stop saves, and takes its time.
        ("[ $RANK = 1 ] && exit 130; sleep 0.7; exit 130", 130),
    ],
)
def test_what_a_rank_has_said_is_the_exit_code_and_not_said_again(ranks, script, code):
    ranks(script)
    assert launch(["train"], 3) == code


def test_ranks_get_their_arguments_numbers_and_a_place_to_meet(ranks, tmp_path):
    ranks(
        f'[ -d "${RENDEZVOUS}" ] && echo "$RANK $WORLD_SIZE $LOCAL_RANK $LOCAL_WORLD_SIZE $@" '
        f'> "{tmp_path}/said-$RANK"'
    )
    assert launch(["train", "--data", "a b"], 2) == 0
    said = [(tmp_path / f"said-{rank}").read_text() for rank in (0, 1)]
    assert said == [f"{rank} 2 {rank} 2 -P -m cnnlab train --data a b\n" for rank in (0, 1)]


@pytest.mark.parametrize("other", [f"exit {LOST}", "sleep 60"])
def test_a_rank_that_is_killed_ends_the_others_and_is_named(ranks, other):
    ranks(f'printf runs/f > "${RENDEZVOUS}/run"; [ $RANK = 1 ] && kill -9 $$; {other}')
    with pytest.raises(RankError) as caught:
        launch(["train"], 2)
    said = re.sub(r"\s+", " ", str(caught.value))
    assert said == (
        "rank 1 of 2 was ended by SIGKILL; runs/f is saved up to its last checkpoint; "
        "go on with: cnnlab train --resume runs/f --devices 2"
    )


def test_ranks_that_lose_each_other_before_a_run_is_there(ranks):
    ranks(f"exit {LOST}")
    with pytest.raises(RankError, match=r"the 2 processes .* lost each other; nothing was trained"):
        launch(["train"], 2)


def test_a_signal_is_passed_on_once(ranks, tmp_path):
    ranks(
        f'trap "echo x >> {tmp_path}/seen-$RANK; exit 143" TERM; touch {tmp_path}/up-$RANK; '
        f"[ $RANK = 0 ] && while [ ! -e {tmp_path}/up-1 ]; do sleep 0.02; done; "
        "[ $RANK = 0 ] && kill -TERM $PPID; while :; do sleep 0.02; done"
    )
    before = signal.getsignal(signal.SIGTERM)
    assert launch(["train"], 2) == 143
    assert [(tmp_path / f"seen-{rank}").read_text() for rank in (0, 1)] == ["x\n", "x\n"]
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize("text", ["0", "-1", "two", "2.5", "9999"])
def test_devices_that_are_no_number_are_refused(text):
    from cnnlab.cli.devices import check_devices

    with pytest.raises(ConfigError, match=r"--devices: .*expected a whole number from 1 to 1024"):
        check_devices(text, None)


def test_devices_go_with_one_run_and_agree_with_torchrun(monkeypatch):
    from cnnlab.cli.devices import check_devices

    assert check_devices(None, "3") == 1
    with pytest.raises(ConfigError, match="--seeds trains one run after the other"):
        check_devices("2", "3")
    monkeypatch.setenv("WORLD_SIZE", "4")
    monkeypatch.setenv("RANK", "1")
    assert check_devices(None, None) == check_devices("4", None) == 4
    with pytest.raises(ConfigError, match="--devices: 2, and this is one of 4 processes"):
        check_devices("2", None)


def test_a_killed_rank_ends_the_job_with_one_line_and_a_run_that_goes_on(
    tmp_path, images, tiny_model, monkeypatch
):
    """The whole of it, as a user meets it."""
    command = [*CNNLAB, "train", "--data", images, "--model", tiny_model, "--epochs", "100000",
               "--batch-size", "16", "--name", "cut", "--devices", "2",
               "--checkpoint-every", "0.05"]  # fmt: skip
    with subprocess.Popen(
        command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        before = []
        for line in process.stderr:
            before.append(line)
            if line.startswith("epoch 3/"):
                break
        ranks = psutil.Process(process.pid).children()
        (second,) = [rank for rank in ranks if rank.environ()["RANK"] == "1"]
        second.kill()
        out, said = process.communicate(timeout=60)
    assert process.returncode == 3
    assert out == ""
    assert any(line.startswith("2 processes, 1 thread each: of the 16 images") for line in before)
    told = [line for line in said.splitlines() if not line.startswith("epoch ")]
    assert told == [
        "cnnlab: rank 1 of 2 was ended by SIGKILL; runs/cut is saved up to its last checkpoint; "
        "go on with: cnnlab train --resume runs/cut --devices 2"
    ]
    assert not any(rank.is_running() for rank in ranks)
    monkeypatch.chdir(tmp_path)
    cut = open_run("cut")
    assert cut.status == "unfinished"
    steps = len(cut.metrics)

    def go_on(ranks):
        with pytest.raises(Interrupted):
            led(ranks, lambda: resume(cut, kill_at(20)))

    together(go_on)
    assert len(open_run("cut").metrics) > steps
