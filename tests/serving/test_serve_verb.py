"""The verb as a user types it: a run or a bundle is served, and what cannot be is one line."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from running import Running, png, running
from small_runs import make_run

from cnnlab.bundle import bundle_of, open_bundle
from cnnlab.cli import serve as verb
from cnnlab.errors import InputError, UnknownNameError
from cnnlab.serving import engines, model_worker
from cnnlab.serving.engines import ENGINES, choose_engine
from cnnlab.serving.frames import read_frame
from cnnlab.serving.model_worker import Model

_CNNLAB = [sys.executable, "-m", "cnnlab", "serve"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run, ``pets``, and a bundle of it."""
    folder = tmp_path_factory.mktemp("verb")
    bundle_of(make_run(folder / "runs", "pets")).save(folder / "pets.safetensors")
    return folder


@pytest.fixture(scope="module")
def served(folder: Path) -> Iterator[Running]:
    command = [*_CNNLAB, "pets", "--port", "0", "--json", "--engine", "torch"]
    with running(command, folder / "log", cwd=folder) as server:
        yield server
        server.process.terminate()
        assert server.process.wait(60) == 143
    assert (folder / "log").read_text().endswith("cnnlab: stopped serving\n")


def test_answers_are_those_of_evaluation(folder: Path, served: Running) -> None:
    bundle = open_bundle(folder / "pets.safetensors")
    images = np.random.default_rng(1).integers(0, 256, (20, 8, 8, 3), dtype=np.uint8)
    probabilities = bundle.probabilities(bundle.logits(images))
    files = [("image", (f"{at}.png", png(image))) for at, image in enumerate(images)]
    answers = served.ask("POST", "/v1/predict", files=files).json()["images"]
    for answer, expected in zip(answers, probabilities, strict=True):
        assert answer["class"] == bundle.class_names[int(expected.argmax())]
        told = {guess["class"]: guess["probability"] for guess in answer["top"]}
        found = [told[name] for name in bundle.class_names]
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_where_it_listens_is_one_object(folder: Path, served: Running) -> None:
    told = served.told
    assert told["host"] == "127.0.0.1"
    assert told["port"] > 0
    assert told["pid"] == served.process.pid
    model = served.ask("GET", "/v1/model").json()
    assert (model["name"], model["classes"]) == ("pets", ["cat", "dog"])
    assert (
        model["origin"]["weights_sha256"]
        == open_bundle(folder / "pets.safetensors").origin["weights_sha256"]
    )


def test_the_log_is_a_line_a_request_on_standard_error(folder: Path, served: Running) -> None:
    served.ask("GET", "/v1/model?x=1")
    for _ in range(100):
        if "/v1/model" in (folder / "log").read_text():
            break
        served.process.poll()
        served.ask("GET", "/healthz")
    line = r'\d{4}-\d\d-\d\dT\S+ 127\.0\.0\.1 "GET /v1/model" 200 0 B [\d.]+ ms'
    assert re.search(line, (folder / "log").read_text())


def _run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*_CNNLAB, *arguments],
        cwd=folder, capture_output=True, text=True, timeout=100, check=False,
        env={**os.environ, **environment},
    )  # fmt: skip


def _one_line(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    return line


def test_a_port_in_use_is_one_line(folder: Path, served: Running) -> None:
    line = _one_line(_run(folder, "pets", "--port", str(served.port)))
    assert f"127.0.0.1 port {served.port}: cannot listen on it: address already in use" in line


def test_what_cannot_be_opened_is_said_by_the_model_s_worker(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = socket.socketpair()
    job = {"source": "odd", "runs": str(folder / "runs"), "device": "cpu"}
    monkeypatch.setattr(model_worker, "enter", lambda: (theirs, job))
    with ours, theirs:
        model_worker.main()
        frame = read_frame(ours)
    assert frame is not None
    told = json.loads(bytes(frame[1]))
    assert told["exit_code"] == 2
    assert "odd" in told["error"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--port", "70000"], "65535"),
        (["--host", "no.such.host.invalid"], "no.such.host.invalid port 8000: cannot listen"),
        (["--queue", "10"], "a queue that holds at least one request"),
        (
            ["--max-body-bytes", "300000000"],
            "at most 268,435,456, which all requests together have",
        ),
        (["--body-timeout", "soon"], "--body-timeout"),
        (["--api-key-file", "nowhere"], "nowhere: No such file"),
    ],
)
def test_options_that_cannot_be_are_one_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    arguments: list[str], said: str,
) -> None:  # fmt: skip
    from cnnlab.cli.main import main

    monkeypatch.chdir(folder)
    with pytest.raises(SystemExit) as ended:
        main(["serve", "pets", *arguments])
    assert ended.value.code == 2
    out, line = capsys.readouterr()
    assert out == ""
    assert said in line
    assert line.count("\n") == 1


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verb, "_NEEDED", ("json", "no_such_module"))
    with pytest.raises(InputError, match=r"no_such_module; pip install 'cnnlab\[serve\]'"):
        verb._check_installed()


def test_the_fastest_engine_is_chosen_and_the_reason_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = open_bundle(folder / "pets.safetensors")
    engine, choice = choose_engine("torch", bundle, 1)
    assert (choice.name, choice.reason) == ("torch", "asked for")
    images = np.random.default_rng(1).integers(0, 256, (3, 8, 8, 3), dtype=np.uint8)
    np.testing.assert_array_equal(engine.logits(images), bundle.logits(images))
    with pytest.raises(UnknownNameError, match="torch"):
        choose_engine("torhc", bundle, 1)

    class Slow:
        def logits(self, images: np.ndarray) -> np.ndarray:
            import time

            time.sleep(0.05)
            return bundle.logits(images)

    def broken(*_: object) -> Slow:
        raise InputError("not installed")

    made = {"torch": ENGINES.get("torch"), "slow": lambda *_: Slow(), "broken": broken}
    monkeypatch.setattr(ENGINES, "_entries", made)
    _, choice = choose_engine("auto", bundle, 1)
    assert choice.name == "torch"
    assert "slow takes " in choice.reason
    assert "broken: not installed" in choice.reason


def test_the_threads_are_chosen_by_what_an_image_takes(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = open_bundle(folder / "pets.safetensors")
    before = torch.get_num_threads()
    try:
        assert engines.choose_serving_threads(bundle, 3) == (3, "asked for")
        monkeypatch.setenv("OMP_NUM_THREADS", "1")
        assert engines.choose_serving_threads(bundle, None)[0] == 1
        monkeypatch.setenv("OMP_NUM_THREADS", "2")
        for gain, threads in ((0.0, 2), (1e9, 1)):
            monkeypatch.setattr(engines, "_GAIN", gain)
            chosen, reason = engines.choose_serving_threads(bundle, None)
            assert chosen == threads
            assert re.fullmatch(r"32 images take [\d.]+ ms with 2 and [\d.]+ ms with 1", reason)
    finally:
        torch.set_num_threads(before)


def test_ranks_are_sorted_and_ties_go_to_the_lower_index(folder: Path) -> None:
    bundle = open_bundle(folder / "pets.safetensors")

    class Fixed:
        def logits(self, images: np.ndarray) -> np.ndarray:
            return np.array([[0, 2], [1, 1], [1e4, -1e4]], dtype=np.float32)

    order, probabilities = Model(bundle, Fixed(), 2).ranked(np.zeros((3, 8, 8, 3), np.uint8))
    assert order.tolist() == [[1, 0], [0, 1], [0, 1]]
    expected = torch.softmax(torch.tensor([2.0, 0.0]).double() / (bundle.temperature or 1.0), 0)
    np.testing.assert_allclose(probabilities[0], expected.numpy())
    np.testing.assert_allclose(probabilities[1:], [[0.5, 0.5], [1, 0]])

    class Sure:
        def logits(self, images: np.ndarray) -> np.ndarray:
            return np.array([[-2e4, 1e4, -1e4]], dtype=np.float32)

    # Both others have a probability of 0; `cnnlab predict` tells them apart, and so does this.
    order, _ = Model(bundle, Sure(), 3).ranked(np.zeros((1, 8, 8, 3), np.uint8))
    assert order.tolist() == [[1, 2, 0]]
