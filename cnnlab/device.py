"""Which device and precision, with the reason; seeds; what this machine is."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnnlab.bf16 import bf16_speed_up
from cnnlab.errors import DeviceError, MemoryLimitError
from cnnlab.machine import keep_freed_memory, processor_flags, processor_name, usable_cores
from cnnlab.ranks import world

if TYPE_CHECKING:
    import torch

__all__ = [
    "COMPILE",
    "DEVICES",
    "MOST_THREADS",
    "PRECISIONS",
    "Choice",
    "choose_compile",
    "choose_device",
    "choose_precision",
    "choose_threads",
    "describe_machine",
    "fold_seed",
    "memory_errors",
    "seed_everything",
    "set_up_torch",
    "synchronize",
]

DEVICES = ("auto", "cpu", "cuda", "mps")
PRECISIONS = ("auto", "fp32", "bf16")
COMPILE = ("auto", "on", "off")
#: The least compute capability that Triton has kernels for.
_TRITON_CAPABILITY = (7, 0)
#: More than any machine has cores.
MOST_THREADS = 4096
_VERSIONS_OF = ("cnnlab", "torch", "numpy", "pillow", "scikit-learn", "safetensors")


@dataclass(frozen=True)
class Choice:
    """A choice and why it was made."""

    name: str
    reason: str


def choose_device(asked: str = "auto") -> Choice:
    """Return the device to use; one that is asked for and not there is a :class:`DeviceError`."""
    import torch

    present = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if not re.fullmatch(r"auto|cpu|mps|cuda(:\d{1,3})?", asked):
        expected = f"one of {', '.join(DEVICES)}, or one GPU of several as cuda:1"
        raise DeviceError(f"no device '{asked}'", expected=expected)
    kind = asked.partition(":")[0]
    if kind == "auto":
        kind = next(name for name, there in present.items() if there)
        return Choice(kind, "the fastest kind of device that torch finds here")
    if not present[kind]:
        raise DeviceError(
            f"torch finds no {kind} device here",
            where="--device",
            todo="use --device cpu, or install a torch build for that device",
        )
    count = torch.cuda.device_count()
    if ":" in asked and int(asked.partition(":")[2]) >= count:
        raise DeviceError(f"no device '{asked}'", expected=f"cuda:0 to cuda:{count - 1}")
    return Choice(asked, "asked for")


def choose_precision(asked: str, device: str, *, anew: bool = False) -> Choice:
    """Return "fp32" or "bf16": bf16 only where the hardware has it and it measures faster.

    ``anew``: measure again what is known of this processor.
    """
    import torch

    if asked not in PRECISIONS:
        raise DeviceError(f"no precision '{asked}'", expected=f"one of {', '.join(PRECISIONS)}")
    if asked != "auto":
        return Choice(asked, "asked for")
    if device.startswith("cuda"):
        if torch.cuda.is_bf16_supported(including_emulation=False):
            return Choice("bf16", "this GPU computes in bf16")
        return Choice("fp32", "this GPU does not compute in bf16")
    if device == "mps":
        return Choice("fp32", "bf16 on MPS is untried")
    if not processor_flags() & {"avx512_bf16", "amx_bf16", "bf16"}:
        return Choice("fp32", "this processor does not compute in bf16")
    gain = bf16_speed_up(anew=anew)
    if gain > 1.1:
        return Choice("bf16", f"{gain:.1f} times as fast as fp32 in a test convolution")
    return Choice("fp32", f"bf16 is {gain:.1f} times as fast as fp32 in a test convolution")


def choose_compile(asked: str, device: str) -> Choice:
    """Return "on" or "off": whether torch compiles the network that is trained on ``device``."""
    import torch

    if asked not in COMPILE:
        raise DeviceError(f"no way to compile '{asked}'", expected=f"one of {', '.join(COMPILE)}")
    if asked != "auto":
        return Choice(asked, "asked for")
    if world().size > 1:
        return Choice("off", "compiling for several devices is untried")
    if device == "cpu":
        return Choice("off", "on processors it takes half a minute and brought nothing")
    if not device.startswith("cuda"):
        return Choice("off", f"compiling for {device} is untried")
    if find_spec("triton") is None:
        return Choice("off", "Triton, with which torch compiles for GPUs, is not installed")
    major, minor = torch.cuda.get_device_capability(device)
    if (major, minor) < _TRITON_CAPABILITY:
        return Choice("off", f"this GPU's compute capability is {major}.{minor}, Triton's 7.0")
    return Choice("on", f"Triton compiles for this GPU, of compute capability {major}.{minor}")


def fold_seed(*parts: int | str) -> int:
    """Mix a seed with what it is used for (stage, epoch, step, purpose) into 63 bits."""
    digest = hashlib.blake2b("/".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def seed_everything(*parts: int | str) -> None:
    """Seed torch's generators, on every device in use, from :func:`fold_seed`."""
    import torch

    seed = fold_seed(*parts)
    # torch.manual_seed would also note it for devices that are not in use, with the whole stack
    # of calls each time: half a millisecond a step.
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call] # torch leaves it untyped
        torch.cuda.manual_seed_all(seed)
    if torch.backends.mps.is_available():
        torch.mps.manual_seed(seed)


def choose_threads(asked: int | None = None) -> tuple[int, str]:
    """How many processor threads to compute with, and why.

    All cores that this process may use (:func:`cnnlab.machine.usable_cores`), divided among the
    ranks of a training on this machine, unless ``OMP_NUM_THREADS`` says less or more, as it does
    for every program that computes with OpenMP. torchrun sets it to 1 where nobody said anything:
    there 1 counts as nothing said.
    """
    if asked is not None:
        return asked, "asked for"
    wanted = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    unsaid = wanted == "1" and "TORCHELASTIC_RUN_ID" in os.environ
    if wanted.isascii() and wanted.isdigit() and 1 <= int(wanted) <= MOST_THREADS and not unsaid:
        return int(wanted), "OMP_NUM_THREADS says so"
    cores, reason = usable_cores()
    sharing = world().local_size
    if sharing == 1:
        return cores, reason
    return max(cores // sharing, 1), f"{reason}, divided among {sharing} processes"


def set_up_torch(threads: int) -> None:
    """Prepare this process for computing: threads, exactness, memory.

    Bit-exact repetition holds at a fixed number of threads; on CUDA fp32 is full fp32, and
    convolutions are repeatable.
    """
    import torch

    torch.set_num_threads(threads)
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.deterministic = True
    keep_freed_memory()


def synchronize(device: torch.device) -> None:
    """Wait until the device has done what it was given, so that a clock tells the truth."""
    import torch

    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


@contextmanager
def memory_errors(where: str) -> Iterator[None]:
    """Turn the device's out-of-memory errors into one line for the user."""
    import torch

    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise MemoryLimitError("out of memory", where=where, todo="use a smaller batch") from error
    except RuntimeError as error:
        # The allocators of CPU and MPS raise a plain RuntimeError.
        said = ("can't allocate memory", "not enough memory", "out of memory")
        if not any(words in str(error) for words in said):
            raise
        raise MemoryLimitError("out of memory", where=where, todo="use a smaller batch") from error


def _source_revision() -> str | None:
    root = Path(__file__).resolve().parent.parent
    if not (root / ".git").exists():
        return None
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)  # noqa: S603 - fixed words
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None


def describe_machine(device: str) -> dict[str, Any]:
    """Facts that the weights and the speed depend on: machine, threads, versions, revision."""
    import psutil
    import torch

    facts: dict[str, Any] = {
        "system": f"{platform.system()} {platform.release()}",
        "machine": platform.machine(),
        "processor": processor_name(),
        "cores": usable_cores()[0],
        "memory_bytes": psutil.virtual_memory().total,
        "vector_instructions": torch.backends.cpu.get_cpu_capability(),
        "python": platform.python_version(),
        # torch's own name of its version says which build it is; the package's need not.
        "versions": {name: metadata.version(name) for name in _VERSIONS_OF}
        | {"torch": str(torch.__version__)},
        "source_revision": _source_revision(),
    }
    if device.startswith("cuda"):
        facts["accelerator"] = torch.cuda.get_device_name(device)
    if world().size > 1:
        facts["processes"] = world().size
    return facts
