"""cifar10-airbench's side, in a process of its own: the user's script, on the processor.

::

    python benchmarks/airbench_worker.py JOB.json

The job names the script, its settings (see ``airbench_settings.py``), an ``.npz`` file of images,
a seed and the file that the answer is written to.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
import torch._dynamo  # 800 modules, which torch would import when the first optimizer is made
from airbench_adaptation import PEER, adapted
from airbench_settings import AirbenchSettings, parse_settings
from numpy.typing import NDArray
from records import Record
from stopwatch import Stopwatch

from cnnlab.files import sha256_of_file, write_json

__all__ = ["load_script", "main", "train"]

Arrays = Mapping[str, NDArray[Any]]


class Event:
    """A moment on the processor's clock, asked for as CUDA's are."""

    def __init__(self, *, enable_timing: bool = False) -> None:
        self._moment = 0.0

    def record(self) -> None:
        """Note the time."""
        self._moment = time.perf_counter()

    def elapsed_time(self, end: Event) -> float:
        """Milliseconds from this moment to ``end``."""
        return 1000 * (end._moment - self._moment)


class Clock:
    """What the script uses of CUDA, which has nothing to wait for here."""

    Event = Event

    @staticmethod
    def synchronize() -> None:
        """Every operation has ended when its call returns."""


class Peer:
    """What the adapted script finds instead of CUDA, its files and half precision."""

    cuda = Clock

    def __init__(self, arrays: Arrays, settings: AirbenchSettings) -> None:
        self._arrays, self._bf16 = arrays, settings.precision == "bf16"

    def exists(self, path: str) -> bool:
        """Nothing is to be downloaded."""
        return True

    def load(self, path: str, **_where: object) -> dict[str, Any]:
        """Images uint8 ``[N, H, W, C]`` and labels int64 ``[N]`` of ``train.pt`` or ``test.pt``."""
        part = Path(path).stem
        return {
            "images": torch.from_numpy(self._arrays[f"{part}_images"]),
            "labels": torch.from_numpy(self._arrays[f"{part}_labels"]),
            "classes": [],
        }

    def images(self, pixels: torch.Tensor) -> torch.Tensor:
        """The type that images are kept in: the next best to half precision."""
        return pixels.bfloat16() if self._bf16 else pixels.float()

    def layer(self, module: torch.nn.Module) -> torch.nn.Module:
        """Weights stay in fp32: bf16 is too coarse to add small steps to."""
        return module.float()

    def update(self, gradient: torch.Tensor) -> torch.Tensor:
        """Muon's matrices, a copy: bf16 only where the user says that this machine has it."""
        return gradient.bfloat16() if self._bf16 else gradient.float().clone()


class Normalize:
    """torchvision's transform of that name, which cannot be loaded beside torch's CPU build."""

    def __init__(self, mean: torch.Tensor, std: torch.Tensor) -> None:
        self._mean, self._std = (value.reshape(1, -1, 1, 1) for value in (mean, std))

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Centre and scale images ``[N, C, H, W]`` channel by channel, in their own type."""
        return images.sub(self._mean.to(images.dtype)).div_(self._std.to(images.dtype))


def load_script(path: Path, settings: AirbenchSettings, arrays: Arrays) -> ModuleType:
    """Run the adapted script's definitions; its own start is left out, for its name is not main."""
    code, module = adapted(path, settings), ModuleType("airbench_script")
    setattr(module, PEER, Peer(arrays, settings))
    vision, transforms = ModuleType("torchvision"), ModuleType("torchvision.transforms")
    vision.transforms, transforms.Normalize = transforms, Normalize  # type: ignore[attr-defined] # stand-ins
    stand_ins = {"torchvision": vision, "torchvision.transforms": transforms}
    # It reads its own text by the name that it was started with.
    with patch.dict(sys.modules, stand_ins), patch.object(sys, "argv", [str(path)]):
        exec(code, module.__dict__)
    _compute_in(module, settings)
    return module


def train(path: Path, settings: AirbenchSettings, arrays: Arrays, seed: int) -> Record:
    """Train once by the script; say what it gave, epoch by epoch.

    The clock runs from before the network is built, with the pixels in memory, to the last step;
    the script's evaluations and the test images' preparation are off it.
    """
    script = load_script(path, settings, arrays)
    torch.manual_seed(seed)
    watch, epochs, last = Stopwatch(), list[Record](), Record()
    _pause(script, watch)

    def note(variables: Mapping[str, Any], is_final_entry: bool) -> None:
        if is_final_entry:
            last.update(tta=variables["tta_val_acc"])
            return
        epochs.append(
            {
                "epoch": variables["epoch"] + 1,
                "seconds": watch.seconds,
                "own_seconds": variables["time_seconds"],
                "train_accuracy": variables["train_acc"],
                "accuracy": variables["val_acc"],
            }
        )

    script.print_training_details = note  # type: ignore[attr-defined] # the script's
    network = script.CifarNet()
    if settings.layout == "channels_last":
        network = network.to(memory_format=torch.channels_last)
    script.main(seed, network)
    return {
        "curve": epochs,
        "seconds": epochs[-1]["seconds"],
        "own_seconds": epochs[-1]["own_seconds"],
        "accuracy": epochs[-1]["accuracy"],
        "accuracy_tta": last["tta"],
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
    }


def _compute_in(script: ModuleType, settings: AirbenchSettings) -> None:
    """Let the network train in the wanted precision and evaluate in fp32, which is more exact."""
    forward: Callable[..., torch.Tensor] = script.CifarNet.forward

    def computed(network: torch.nn.Module, images: torch.Tensor, **options: Any) -> torch.Tensor:
        bf16 = settings.precision == "bf16" and network.training
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            return forward(network, images if bf16 else images.float(), **options).float()

    script.CifarNet.forward = computed


def _pause(script: ModuleType, watch: Stopwatch) -> None:
    """Take evaluation, and what is made ready for it, off the clock."""
    evaluate, build = script.evaluate, script.CifarLoader.__init__

    def evaluated(*arguments: Any, **options: Any) -> Any:
        with watch.paused():
            return evaluate(*arguments, **options)

    def built(loader: Any, path: str, train: bool = True, **options: Any) -> None:
        with nullcontext() if train else watch.paused():
            build(loader, path, train=train, **options)

    script.evaluate = evaluated  # type: ignore[attr-defined] # the script's
    script.CifarLoader.__init__ = built


def main(path: Path) -> None:
    """Do the job in the file ``path``."""
    job: Record = json.loads(path.read_text(encoding="utf-8"))
    torch.set_num_threads(job["threads"])
    script = Path(job["script"])
    with np.load(job["arrays"], allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    answer = train(script, parse_settings(job["settings"]), arrays, job["seed"])
    answer |= {
        "trained_on": len(arrays["train_labels"]),
        "n_test": len(arrays["test_labels"]),
        "cpu_seconds": round(time.process_time(), 2),
        "versions": {"torch": version("torch")},
        "script_sha256": sha256_of_file(script),
    }
    write_json(Path(job["answer"]), answer)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
