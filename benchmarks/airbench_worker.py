"""cifar10-airbench's side, in a process of its own: the user's script, on the processor.

On a GPU, where ``gpu_worker.py`` calls it, the script stays as it is but for its images.

::

    python benchmarks/airbench_worker.py JOB.json

The job names the script, its settings (see ``airbench_settings.py``), an ``.npz`` file of images,
a seed and the file that the answer is written to.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
import torch._dynamo  # 800 modules, which torch would import when the first optimizer is made
from harness.records import Record
from harness.stopwatch import Stopwatch
from numpy.typing import NDArray
from race.airbench_adaptation import PEER, adapted, redirected
from race.airbench_settings import AirbenchSettings, parse_settings

from cnnlab.files import sha256_of_file, write_json

__all__ = ["Hearing", "load_on_device", "load_script", "main", "read_arrays", "train"]

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


class Files:
    """What the script finds instead of its files: the images that all sides get."""

    def __init__(self, arrays: Arrays, device: str = "cpu") -> None:
        self._arrays, self._device = arrays, torch.device(device)

    def exists(self, path: str) -> bool:
        """Nothing is to be downloaded."""
        return True

    def load(self, path: str, **_where: object) -> dict[str, Any]:
        """Images uint8 ``[N, H, W, C]`` and labels int64 ``[N]`` of ``train.pt`` or ``test.pt``."""
        part = Path(path).stem
        return {
            "images": torch.from_numpy(self._arrays[f"{part}_images"]).to(self._device),
            "labels": torch.from_numpy(self._arrays[f"{part}_labels"]).to(self._device),
            "classes": [],
        }


class Peer(Files):
    """What the adapted script finds instead of CUDA and half precision, too."""

    cuda = Clock

    def __init__(self, arrays: Arrays, settings: AirbenchSettings) -> None:
        super().__init__(arrays)
        self._bf16 = settings.precision == "bf16"

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
        return images.sub(self._mean.to(images)).div_(self._std.to(images))


def read_arrays(path: str) -> Arrays:
    """The images and labels that ``Conditions.arrays`` wrote."""
    with np.load(path, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def load_script(path: Path, settings: AirbenchSettings, arrays: Arrays) -> ModuleType:
    """The script's definitions, adapted to the processor."""
    module = _defined(path, adapted(path, settings), Peer(arrays, settings))
    _compute_in(module, settings)
    return module


def load_on_device(path: Path, arrays: Arrays, device: str) -> ModuleType:
    """The script's definitions as they are, with these images on ``device``."""
    return _defined(path, redirected(path), Files(arrays, device))


def _defined(path: Path, code: CodeType, files: Files) -> ModuleType:
    """Run the definitions; the script's own start is left out, for its name is not main."""
    module = ModuleType("airbench_script")
    setattr(module, PEER, files)
    # It reads its own text by the name that it was started with.
    with _torchvision(), patch.object(sys, "argv", [str(path)]):
        exec(code, module.__dict__)
    return module


@contextmanager
def _torchvision() -> Iterator[None]:
    """Let what the script uses of torchvision be imported, where torchvision itself cannot."""
    if torch.version.cuda and find_spec("torchvision"):
        yield
        return
    vision, transforms = ModuleType("torchvision"), ModuleType("torchvision.transforms")
    vision.transforms, transforms.Normalize = transforms, Normalize  # type: ignore[attr-defined] # stand-ins
    stand_ins = {"torchvision": vision, "torchvision.transforms": transforms}
    # What else the script imports, torch's compiler for one, must stay: it cannot be loaded twice.
    sys.modules.update(stand_ins)
    try:
        yield
    finally:
        for name in stand_ins:
            del sys.modules[name]


class Hearing:
    """Hears what the script says of its trainings; the clock stands still where it evaluates.

    The clock runs from :meth:`begin`, with the pixels in memory, to the last step; the script's
    evaluations and the test images' preparation are off it.
    """

    def __init__(self, script: ModuleType) -> None:
        self._script = script
        script.print_training_details = self._note  # type: ignore[attr-defined] # the script's
        self._pause()
        self.begin()

    def begin(self) -> None:
        """Start the clock of the next training."""
        self._watch, self._epochs, self._last = Stopwatch(), list[Record](), Record()

    def train(self, run: int | str, network: torch.nn.Module) -> Record:
        """Let the script train; say what it gave, epoch by epoch."""
        self._script.main(run, network)
        last = self._epochs[-1]
        return {
            "curve": self._epochs,
            **{key: last[key] for key in ("seconds", "own_seconds", "accuracy")},
            "accuracy_tta": self._last["tta"],
            "parameters": sum(parameter.numel() for parameter in network.parameters()),
        }

    def _note(self, variables: Mapping[str, Any], is_final_entry: bool) -> None:
        if is_final_entry:
            self._last.update(tta=variables["tta_val_acc"])
            return
        self._epochs.append(
            {
                "epoch": variables["epoch"] + 1,
                "seconds": self._watch.seconds,
                "own_seconds": variables["time_seconds"],
                "train_accuracy": variables["train_acc"],
                "accuracy": variables["val_acc"],
            }
        )

    def _pause(self) -> None:
        """Take evaluation, and what is made ready for it, off the clock."""
        evaluate, build = self._script.evaluate, self._script.CifarLoader.__init__

        def evaluated(*arguments: Any, **options: Any) -> Any:
            with self._watch.paused():
                return evaluate(*arguments, **options)

        def built(loader: Any, path: str, train: bool = True, **options: Any) -> None:
            with nullcontext() if train else self._watch.paused():
                build(loader, path, train=train, **options)

        self._script.evaluate = evaluated  # type: ignore[attr-defined] # the script's
        self._script.CifarLoader.__init__ = built


def train(path: Path, settings: AirbenchSettings, arrays: Arrays, seed: int) -> Record:
    """Train once by the script on the processor, from before the network is built."""
    script = load_script(path, settings, arrays)
    torch.manual_seed(seed)
    hearing = Hearing(script)
    network = script.CifarNet()
    if settings.layout == "channels_last":
        network = network.to(memory_format=torch.channels_last)
    return hearing.train(seed, network)


def _compute_in(script: ModuleType, settings: AirbenchSettings) -> None:
    """Let the network train in the wanted precision and evaluate in fp32, which is more exact."""
    forward: Callable[..., torch.Tensor] = script.CifarNet.forward

    def computed(network: torch.nn.Module, images: torch.Tensor, **options: Any) -> torch.Tensor:
        bf16 = settings.precision == "bf16" and network.training
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            return forward(network, images if bf16 else images.float(), **options).float()

    script.CifarNet.forward = computed


def main(path: Path) -> None:
    """Do the job in the file ``path``."""
    job: Record = json.loads(path.read_text(encoding="utf-8"))
    torch.set_num_threads(job["threads"])
    script, arrays = Path(job["script"]), read_arrays(job["arrays"])
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
