"""What serve.py starts: bundles, the servers that are held against each other, and wrk."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch
from harness.records import Record
from numpy.typing import NDArray
from PIL import Image

from cnnlab.bundle import Bundle
from cnnlab.errors import FailedError
from cnnlab.inference import measure_preprocessing, place
from cnnlab.models import load_model_file

__all__ = ["BOUNDARY", "Served", "make_bundle", "png", "served", "write_bodies", "wrk"]

BOUNDARY = "cnnlab"
_SCRIPTS = Path(__file__).parents[1]


def make_bundle(model: str, pixels: NDArray[np.uint8], names: Sequence[str], path: Path) -> Bundle:
    """A network as it is before training, saved: its speed is that of a trained one."""
    torch.manual_seed(0)
    file = load_model_file(model)
    architecture = file.architecture()
    preprocessing = measure_preprocessing(
        pixels, np.arange(len(pixels)), file.normalization or "standard"
    )
    bundle = Bundle(
        name=model,
        architecture=architecture,
        network=place(architecture.build(), torch.device("cpu")).eval(),
        preprocessing=preprocessing,
        class_names=tuple(names),
        temperature=None,
        origin={"run": model},
        source=path,
    )
    bundle.save(path)
    return bundle


def png(pixels: NDArray[np.uint8]) -> bytes:
    """uint8 ``[H, W, C]`` as a file."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def write_bodies(files: Sequence[bytes], folder: Path) -> None:
    """Multipart bodies of one image each, for wrk."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, file in enumerate(files):
        head = (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="image"; '
            f'filename="{number}.png"\r\nContent-Type: image/png\r\n\r\n'
        )
        body = head.encode() + file + f"\r\n--{BOUNDARY}--\r\n".encode()
        (folder / f"{number}.body").write_bytes(body)


@dataclass(frozen=True)
class Served:
    """A server under way."""

    process: subprocess.Popen[str]
    told: Record

    @property
    def url(self) -> str:
        """Where predictions are asked for."""
        return f"{self.told['url']}/v1/predict"

    def memory_bytes(self) -> int:
        """Of all its processes; pages that several of them share are divided among them."""
        own = psutil.Process(self.process.pid)
        return sum(each.memory_full_info().pss for each in [own, *own.children(recursive=True)])


@contextlib.contextmanager
def served(side: str, bundle: Path, log: Path, *options: str) -> Iterator[Served]:
    """A server of one side: cnnlab, with options of ``cnnlab serve``, or a plain handler."""
    if side == "cnnlab":
        command = ["-m", "cnnlab", "serve", str(bundle), "--port", "0", "--json", *options]
    else:
        command = [str(_SCRIPTS / "serve_plain.py"), side, str(bundle)]
    with (
        log.open("w", encoding="utf-8") as stream,
        subprocess.Popen(
            [sys.executable, *command], stdout=subprocess.PIPE, stderr=stream, text=True
        ) as process,
    ):
        try:
            line = process.stdout.readline() if process.stdout is not None else ""
            if not line:
                raise FailedError("the server did not start", where=log)
            yield Served(process, json.loads(line))
        finally:
            process.terminate()
            process.wait()


def wrk(
    server: Served, bodies: Path, count: int, *, connections: int, seconds: float
) -> dict[str, Any]:
    """Load from one thread of wrk; what it counted."""
    command = [
        *("wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", "30s"),
        *("-s", str(_SCRIPTS / "serve.lua"), server.url, "--", str(bodies), str(count)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ})
    if done.returncode:
        raise FailedError((done.stderr or done.stdout).strip().splitlines()[-1], where="wrk")
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))
