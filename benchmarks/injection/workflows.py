"""The workflows of which each operation on files is made to fail."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import threading
from collections.abc import Callable, Sequence
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from fault_child import Command, cnnlab, done_as_a_verb, in_a_child

from cnnlab.data.download import Mirror, RemoteFile, fetch_files
from cnnlab.data.source import unsaid
from cnnlab.errors import CnnlabError, FailedError
from cnnlab.inference import read_tensors
from cnnlab.runs import Run
from cnnlab.settings import dump_yaml
from cnnlab.workflows.same_bytes import evidence, step_of_newest
from injection.trials import Trial

__all__ = ["NAMES", "make_trial"]

_LAYERS = (
    {"type": "Conv2D", "filters": 4, "kernel_size": 3, "strides": 2},
    {"type": "BatchNormalization"},
    {"type": "Activation", "activation": "relu"},
    {"type": "MaxPooling2D", "pool_size": 4},
    {"type": "Flatten"},
    {"type": "Dropout", "rate": 0.1},
    {"type": "Dense", "units": "classes"},
)
_SETTINGS: dict[str, Any] = {
    "device": "cpu",
    "precision": "fp32",
    "threads": 1,
    "data": {"source": "shapes", "size": 72, "validation": 20},
    "optimizer": {"name": "adam", "lr": 0.01},
    "training": {
        "epochs": 2,
        "batch_size": 20,
        "ema": 0.9,
        "augment": {"flip": "random", "translate": 2},
        "checkpoint_every_seconds": 1e-6,  # after every step
    },
}


_OPEN_TEST = cnnlab("evaluate", "run", "--split", "test")


class Training(Trial):
    """Train with checkpoints, and open test."""

    def set_up(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        model, config = self.folder / "model.yaml", self.folder / "config.yaml"
        if not config.exists():
            layers = [dict(layer) for layer in _LAYERS]
            model.write_text(dump_yaml({"name": "small", "layers": layers}), encoding="utf-8")
            settings = {**_SETTINGS, "model": {"name": str(model)}}
            config.write_text(dump_yaml(settings), encoding="utf-8")

    def commands(self) -> list[Command]:
        config = str(self.folder / "config.yaml")
        return [cnnlab("train", "--config", config, "--name", "run"), _OPEN_TEST]

    def unreadable(self, folder: Path, renamed: Sequence[str]) -> list[str]:
        run = Run(folder / "runs" / "run")
        if not (run.path / "config.yaml").exists():
            return ["the run is gone"] if "runs/run" in renamed else []
        found = []
        steps = [int(step) for path in renamed for step in re.findall(r"last-(\d+)\.", path)]
        newest = step_of_newest(run)
        if steps and newest != max(steps):
            found.append(f"the newest checkpoint is of step {newest}, not {max(steps)}")
        if any("best." in path for path in renamed) and not run.best_weights.exists():
            found.append("the best weights are gone")
        for path in run.checkpoints.glob("*.safetensors"):
            found += _failing(path.name, partial(read_tensors, path))
        parts = {
            "config.yaml": run.typed_config,
            "split.json": lambda: run.split,
            "metrics.jsonl": lambda: run.metrics,
            "ledger.jsonl": lambda: run.ledger,
            "result.json": lambda: run.result,
            "validation": lambda: run.predictions("validation"),
            "test": lambda: run.predictions("test"),
        }
        for name, read in parts.items():
            found += _failing(name, read)
        if (run.path / "predictions" / "test.npz").exists() and not run.ledger:
            found.append("test was opened without a line in the ledger")
        return found

    def go_on(self, folder: Path) -> list[str]:
        run = Run(folder / "runs" / "run")
        there = (run.path / "config.yaml").exists()
        first = cnnlab("train", "--resume", "run") if there else self.commands()[0]
        listing = cnnlab("runs", "list", "--json")
        outcome = in_a_child(folder, [listing, first, _OPEN_TEST], None)
        if outcome.code:
            return [f"it does not go on: {outcome.said[-1]}"]
        whole = Run(self.whole / "runs" / "run")
        found = []
        for name, content in _evidence(whole).items():
            if _evidence(run).get(name) != content:
                found.append(f"{name} differs")
        if run.status != "finished":
            found.append("it is not finished")
        return found


class _OfFinishedRun(Training):
    """Something that is done with a run that has ended."""

    @property
    def _made(self) -> Path:
        return self.folder / "made"

    def set_up(self, folder: Path) -> None:
        if not self._made.exists():
            super().set_up(self._made)
            outcome = in_a_child(self._made, Training.commands(self), None)
            if outcome.code:
                raise FailedError(f"the training failed: {outcome.said[-1]}")
        shutil.copytree(self._made, folder)

    def _lost(self, folder: Path, *, thinned: bool = False) -> list[str]:
        run, made = (Run(place / "runs" / "run") for place in (folder, self._made))
        ours = _evidence(run)
        return [
            f"{name} has changed"
            for name, content in _evidence(made).items()
            if ours.get(name) != content and not (thinned and name.startswith("last-"))
        ]


class Reporting(_OfFinishedRun):
    """Write a finished run's report anew."""

    def commands(self) -> list[Command]:
        return [cnnlab("report", "run")]

    def unreadable(self, folder: Path, renamed: Sequence[str]) -> list[str]:
        return self._lost(folder)

    def go_on(self, folder: Path) -> list[str]:
        outcome = in_a_child(folder, self.commands(), None)
        if outcome.code:
            return [f"it does not go on: {outcome.said[-1]}"]
        whole, ours = (place / "runs" / "run" for place in (self.whole, folder))
        names = [
            path.relative_to(whole) for path in (*whole.glob("report.*"), *whole.glob("figures/*"))
        ]
        return [
            f"{name} differs"
            for name in names
            if (whole / name).read_bytes() != (ours / name).read_bytes()
        ]


class Removing(_OfFinishedRun):
    """Thin a finished run out, then remove it; another one stands beside it."""

    def set_up(self, folder: Path) -> None:
        super().set_up(folder)
        shutil.copytree(folder / "runs" / "run", folder / "runs" / "other")

    def commands(self) -> list[Command]:
        return [cnnlab("runs", "thin", "run"), cnnlab("runs", "rm", "run", "--yes")]

    def unreadable(self, folder: Path, renamed: Sequence[str]) -> list[str]:
        if (folder / "runs" / "run").exists():
            return self._lost(folder, thinned=True)
        return [] if any(".removed-" in path for path in renamed) else ["the run is gone"]

    def go_on(self, folder: Path) -> list[str]:
        there = (folder / "runs" / "run").exists()
        commands = self.commands() if there else []
        other = cnnlab("runs", "rm", "other", "--yes")  # which clears up after the first, too
        outcome = in_a_child(folder, [cnnlab("runs", "list"), *commands, other], None)
        return [f"it does not go on: {outcome.said[-1]}"] if outcome.code else []


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


class Downloading(Trial):
    """Bring two published files here, from a server on this machine."""

    def set_up(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        served = self.folder / "served"
        if served.exists():
            return
        served.mkdir()
        for name, size in (("a.bin", 300_000), ("b.bin", 10)):
            (served / name).write_bytes(bytes(range(251)) * (size // 251 + 1))
        handler = partial(_Quiet, directory=str(served))
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        os.environ["no_proxy"] = "127.0.0.1"
        self._mirror = Mirror("the server", f"http://127.0.0.1:{server.server_address[1]}/")

    def commands(self) -> list[Command]:
        files = [
            RemoteFile(path.name, path.stat().st_size, f"sha256:{_sha256(path)}")
            for path in sorted((self.folder / "served").iterdir())
        ]

        def fetch() -> None:
            fetch_files(files, [self._mirror], Path("downloads").absolute(), unsaid, command="")

        return [done_as_a_verb(fetch)]

    def unreadable(self, folder: Path, renamed: Sequence[str]) -> list[str]:
        named = [path for path in renamed if re.fullmatch(r"downloads/[^.].*", path)]
        return [f"{name} is broken" for name in named if not self._is_served(folder / name)] + [
            f"{path.name} has its name and is not whole"
            for path in folder.glob("downloads/[!.]*")
            if not self._is_served(path)
        ]

    def _is_served(self, path: Path) -> bool:
        whole = self.folder / "served" / path.name
        return path.exists() and path.read_bytes() == whole.read_bytes()

    def go_on(self, folder: Path) -> list[str]:
        outcome = in_a_child(folder, self.commands(), None)
        if outcome.code:
            return [f"it does not go on: {outcome.said[-1]}"]
        here = sorted(path.name for path in folder.glob("downloads/*"))
        return [] if here == ["a.bin", "b.bin"] else [f"there are {', '.join(here)}"]


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _evidence(run: Run) -> dict[str, bytes]:
    test = run.path / "predictions" / "test.npz"
    return evidence(run) | ({test.name: test.read_bytes()} if test.exists() else {})


def _failing(name: str, read: Callable[[], object]) -> list[str]:
    try:
        read()
    except (CnnlabError, OSError) as error:
        return [f"{name} cannot be read: {error}"]
    return []


NAMES: dict[str, type[Trial]] = {
    "training": Training,
    "reporting": Reporting,
    "removing": Removing,
    "downloading": Downloading,
}


def make_trial(name: str, folder: Path) -> Trial:
    """The trial of this name, its undisturbed run done."""
    trial = NAMES[name](folder / name)
    shutil.rmtree(trial.folder, ignore_errors=True)
    trial.folder.mkdir(parents=True)
    trial.record()
    return trial
