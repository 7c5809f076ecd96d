"""How fast does the server answer, and what does it do when too much is asked of it?

``cnnlab serve`` and two plain handlers of FastAPI and torch, in turns and under the same load of
wrk: requests a second, median and 99th percentile of the time to an answer. Then, with cnnlab's
server alone: five times as many connections as its queue has places, the same load for long with
its memory watched, and many different images at once, none of whose answers may be another's.
Everything is a line of OUT/serve.jsonl::

    python benchmarks/serve.py --out OUT
    python benchmarks/serve.py --out OUT --trials overload hold swaps schema --hold 10m
    python benchmarks/serve.py --out OUT --report FILE.md

wrk runs on the same machine and takes its share of it, from both sides alike: ratios count.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
from harness.command import measurement_options
from harness.records import Record
from harness.sessions import Session, run_session
from serving_load.report import KINDS, build_document
from serving_load.sides import Served, make_bundle, png, served, write_bodies, wrk
from serving_load.trials import hold, overload, schema, swaps

import cnnlab
from cnnlab.bundle import open_bundle
from cnnlab.settings import parse_duration

__all__ = ["Bench", "main"]

SIDES = ("cnnlab", "async", "threads")
CONCURRENCIES = (1, 8, 32)
TRIALS = ("speed", "overload", "hold", "swaps", "schema")
_FILE = "serve.jsonl"
_IMAGES = 200
_QUEUE, _TIMES = 64, 5


class Bench:
    """Bundles and images, and the measurements that are made with them."""

    def __init__(self, asked: argparse.Namespace, session: Session) -> None:
        self.asked, self.session = asked, session
        self.dataset = cnnlab.open_dataset(asked.data)
        self.pixels = np.ascontiguousarray(self.dataset.images[:_IMAGES])
        self.bodies = asked.out / "bodies"
        write_bodies([png(image) for image in self.pixels], self.bodies)

    def bundle(self, model: str) -> Path:
        """A bundle of an untrained network, made once."""
        path: Path = self.asked.out / f"{model}.safetensors"
        make_bundle(model, self.pixels, self.dataset.class_names, path)
        return path

    def add(self, record: Record) -> None:
        """Keep a record and say it."""
        self.session.add(record)
        shown = {key: value for key, value in record.items() if key != "samples"}
        print(shown, flush=True)

    def speed(self) -> None:
        """Every side, in turns; each server has a short load before the first that counts."""
        asked = self.asked
        for number in range(1, asked.rounds + 1):
            for model in asked.models:
                bundle = self.bundle(model)
                for side in asked.sides:
                    log = asked.out / f"{model}.{side}.log"
                    with served(side, bundle, log, *self._options()) as server:
                        self._load(server, connections=8, seconds=1.0)
                        for connections in CONCURRENCIES:
                            found = self._load(
                                server, connections=connections, seconds=asked.seconds
                            )
                            facts = {"kind": "speed", "round": number, "model": model, "side": side}
                            self.add({**facts, "connections": connections, **found})

    def _load(self, server: Served, *, connections: int, seconds: float) -> Record:
        return wrk(server, self.bodies, _IMAGES, connections=connections, seconds=seconds)

    def _options(self) -> list[str]:
        threads = self.asked.model_threads
        return ["--engine", self.asked.engine, *(["--threads", str(threads)] if threads else [])]

    def _alone(self, *options: str) -> AbstractContextManager[Served]:
        """cnnlab's server with the first of the models."""
        bundle, log = self.bundle(self.asked.models[0]), self.asked.out / "alone.log"
        return served("cnnlab", bundle, log, *self._options(), "--quiet", *options)

    def overload(self) -> None:
        """Five times as many connections as the queue has places."""
        connections = _QUEUE * _TIMES
        with self._alone("--queue", str(_QUEUE)) as server:
            self._load(server, connections=_QUEUE // 2, seconds=2.0)
            found = overload(
                server, self.bodies, _IMAGES, connections=connections, seconds=self.asked.seconds
            )
        facts = {"kind": "overload", "model": self.asked.models[0], "queue": _QUEUE}
        self.add({**facts, "connections": connections, **found})

    def hold(self) -> None:
        """The same load for long."""
        seconds = parse_duration(self.asked.hold, where="--hold")
        with self._alone() as server:
            found = hold(
                server,
                self.bodies,
                _IMAGES,
                connections=self.asked.hold_connections,
                seconds=seconds,
            )
        facts = {"kind": "hold", "model": self.asked.models[0]}
        self.add({**facts, "connections": self.asked.hold_connections, **found})

    def swaps(self) -> None:
        """A thousand different images at once."""
        pixels = np.ascontiguousarray(self.dataset.images[: self.asked.distinct])
        path = self.bundle(self.asked.models[0])
        with self._alone("--queue", "1000", "--max-batch", "32") as server:
            found = swaps(server, open_bundle(path), pixels)
        self.add({"kind": "swaps", "model": self.asked.models[0], **found})

    def schema(self) -> None:
        """Requests that schemathesis makes up from the server's own description."""
        with self._alone() as server:
            found = schema(server, self.asked.examples)
        self.add({"kind": "schema", "model": self.asked.models[0], **found})


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, or report; returns the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = measurement_options(
        __doc__, data="a dataset's name, or the path of images", threads=2, out=Path("build/serve")
    )
    add = parser.add_argument
    add("--models", nargs="+", default=["fastnet", "model-f", "resnet18"], help="of the zoo")
    add("--sides", nargs="+", choices=SIDES, default=SIDES, help="only some of them")
    add("--trials", nargs="+", choices=TRIALS, default=["speed"], help="what is done")
    add("--engine", default="auto", help="cnnlab's")
    add("--model-threads", type=int, help="cnnlab's; by itself it takes all cores but one")
    add("--rounds", type=int, default=3)
    add("--seconds", type=float, default=5.0, help="of each load")
    add("--hold", default="10m", metavar="TIME", help="of the long load")
    add("--hold-connections", type=int, default=8)
    add("--distinct", type=int, default=1000, help="different images at once")
    add("--examples", type=int, default=300, help="requests made up for each operation")
    add("--report", type=Path, metavar="FILE.md", help="write this from the records; measure none")
    asked = parser.parse_args(arguments)

    def measure(session: Session) -> None:
        bench = Bench(asked, session)
        for trial in asked.trials:
            getattr(bench, trial)()

    return run_session(
        "serve.py",
        asked,
        asked.out / _FILE,
        arguments,
        kinds=[[kind] for kind in KINDS],
        build=build_document,
        measure=measure,
    )


if __name__ == "__main__":
    sys.exit(main())
