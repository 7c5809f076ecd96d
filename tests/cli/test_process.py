"""The command line as its own process: pipes, terminals, locales, signals."""

import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from small import write_images

pytestmark = pytest.mark.long

CNNLAB = [sys.executable, "-m", "cnnlab"]


def test_case_29_a_reader_that_goes_away_is_no_error():
    command = f"{sys.executable} -m cnnlab summary model-f | head -n 1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert "rror" not in done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_case_29_a_locale_without_the_letter_is_no_error(tmp_path, encoding):
    folder = write_images(tmp_path / "写真", classes=2, each=2)
    (folder / "class 0").rename(folder / "猫")
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    done = subprocess.run(
        [*CNNLAB, "data", "show", folder], capture_output=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    assert b"\\u732b" in done.stdout


def test_case_29_where_file_names_would_be_ascii_a_run_of_any_name_is_used(
    tmp_path, tiny_model, cnnlab, monkeypatch
):
    folder = write_images(tmp_path / "写真", classes=2, each=20)
    monkeypatch.setenv("CNNLAB_HOME", str(tmp_path / "home"))
    options = ["--data", folder, "--model", tiny_model, "--epochs", "1"]
    assert cnnlab("train", *options, "--name", "süß").code == 0
    narrow = {**os.environ, "LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    said = subprocess.run(
        [*CNNLAB, "evaluate", "süß", "--split", "test"],
        cwd=tmp_path, env=narrow, capture_output=True, check=False,
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    assert b"runs/s\\xfc\\xdf: test accuracy" in said.stdout
    ledger = tmp_path / "runs" / "süß" / "ledger.jsonl"
    assert json.loads(ledger.read_text(encoding="utf-8"))["command"].endswith(
        "evaluate süß --split test"
    )


def test_help_does_not_import_torch():
    code = (
        "import sys; from cnnlab.cli.main import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print([name for name in ('torch', 'numpy', 'matplotlib', 'sklearn', 'pydantic', 'yaml')"
        " if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_case_18_a_stopped_training_can_be_resumed(tmp_path, images, tiny_model, number, code):
    command = [*CNNLAB, "train", "--data", images, "--model", tiny_model, "--epochs", "100000",
               "--name", "cut", "--set", "training.batch_size=8"]  # fmt: skip
    with subprocess.Popen(
        command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("epoch 2/"):
                break
        process.send_signal(number)
        _, said = process.communicate(timeout=120)
    assert process.returncode == code
    assert said.splitlines()[-1].startswith("cnnlab: interrupted; runs/cut is saved up to this")
    assert said.count("cnnlab: ") == 1
    assert list((tmp_path / "runs" / "cut" / "checkpoints").glob("last-*.safetensors"))


def test_case_14_a_killed_training_goes_on_exactly(tmp_path, images, tiny_model):
    """``kill -9`` in the middle of an epoch; weights and metrics are those of a whole run."""
    command = [*CNNLAB, "train", "--data", images, "--model", tiny_model, "--epochs", "20",
               "--checkpoint-every", "0.1", "--set", "training.augment.flip=random",
               "--set", "training.batch_size=2"]  # fmt: skip
    subprocess.run([*command, "--name", "whole"], cwd=tmp_path, check=True, capture_output=True)
    with subprocess.Popen(
        [*command, "--name", "cut"], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("epoch 10/"):
                break
        process.kill()
    assert process.returncode == -signal.SIGKILL
    cut, whole = tmp_path / "runs" / "cut", tmp_path / "runs" / "whole"
    assert not (cut / "result.json").exists()
    subprocess.run([*CNNLAB, "train", "--resume", cut], check=True, capture_output=True)
    (last,) = {path.name for path in (whole / "checkpoints").glob("last-*")} & {
        path.name for path in (cut / "checkpoints").glob("last-*0800.safetensors")
    }
    for name in ("metrics.jsonl", "checkpoints/best.safetensors", f"checkpoints/{last}",
                 "predictions/validation.npz"):  # fmt: skip
        assert (cut / name).read_bytes() == (whole / name).read_bytes(), name


def test_a_terminal_shows_a_bar_with_figures(tmp_path, images, tiny_model):
    """On a terminal training draws a progress bar; everywhere else it prints lines."""
    leader, follower = pty.openpty()
    command = [*CNNLAB, "train", "--data", images, "--model", tiny_model, "--epochs", "2"]
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        stderr=follower,
        stdout=subprocess.PIPE,
        env={**os.environ, "TERM": "xterm"},
    )
    os.close(follower)
    shown = b""
    with contextlib.suppress(OSError):  # a terminal whose other end is closed reads as an error
        while block := os.read(leader, 65536):
            shown += block
    out, _ = process.communicate(timeout=60)
    os.close(leader)
    assert process.returncode == 0, shown
    assert b"images/s" in shown
    assert b"epoch 2/2" in shown
    assert b"validation accuracy" in out


def test_a_reader_of_the_progress_that_goes_away_does_not_stop_training(
    tmp_path, images, tiny_model
):
    command = (
        f"{sys.executable} -m cnnlab train --data '{images}' --model '{tiny_model}' --epochs 9"
    )
    subprocess.run(
        ["bash", "-c", f"{command} --name gone 2>&1 | head -n 1"], cwd=tmp_path, check=True,
        capture_output=True,
    )  # fmt: skip
    result = tmp_path / "runs" / "gone" / "result.json"
    deadline = time.monotonic() + 60
    while not result.exists() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert json.loads(result.read_text())["epochs"] == 9


needs_dev_full = pytest.mark.skipif(
    not Path("/dev/full").exists(), reason="this system has no /dev/full"
)


@needs_dev_full
@pytest.mark.parametrize("arguments", ["models", "--help", "--version"])
def test_a_full_standard_output_is_one_line(arguments):
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m cnnlab {arguments} > /dev/full"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 3
    assert done.stderr == "cnnlab: standard output: cannot write: No space left on device\n"


@needs_dev_full
def test_case_17_a_log_on_a_full_disk_does_not_stop_training(tmp_path, images, tiny_model):
    command = f"{sys.executable} -m cnnlab train --data '{images}' --model '{tiny_model}'"
    done = subprocess.run(
        ["bash", "-c", f"{command} --epochs 1 --json 2> /dev/full"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert json.loads(done.stdout)["epochs"] == 1


def test_no_verb_prints_the_help_as_it_is():
    done = subprocess.run(CNNLAB, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("Usage: ")
    assert done.stderr.count("\n") > 10
