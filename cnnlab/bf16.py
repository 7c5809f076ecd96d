"""Whether bf16 pays on this processor: asked of a small convolution, and remembered."""

from __future__ import annotations

import json
import math
import time
from contextlib import suppress
from pathlib import Path

from cnnlab.errors import CnnlabError
from cnnlab.files import storage_errors, write_json
from cnnlab.machine import home, processor_name

__all__ = ["bf16_speed_up"]

#: Of a measurement of precision; the fastest counts, for other work only slows.
_ROUNDS = 12


def _measured() -> float:
    """Time of a small fp32 convolution over that of the same one in bf16, on the CPU."""
    import torch

    best = {torch.float32: math.inf, torch.bfloat16: math.inf}
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # several would wait for each other where other programs run
    try:
        for _ in range(_ROUNDS):  # in turn, so that a busy moment strikes both
            for dtype, fastest in best.items():
                images, kernel = (
                    torch.ones(*shape, dtype=dtype).to(memory_format=torch.channels_last)
                    for shape in ((16, 64, 16, 16), (64, 64, 3, 3))
                )
                start = time.perf_counter()
                torch.nn.functional.conv2d(images, kernel, padding=1)
                best[dtype] = min(fastest, time.perf_counter() - start)
    finally:
        torch.set_num_threads(before)
    return best[torch.float32] / best[torch.bfloat16]


def bf16_speed_up(*, anew: bool = False) -> float:
    """How many times as fast as in fp32 this processor computes in bf16, measured once and kept.

    So all trainings on a machine have one precision, and seeds or variants that are compared do
    not differ in it, whatever else ran while one of them began. ``anew``: measure again.
    """
    import torch

    file = home() / "bf16-speed-up.json"
    key = f"{processor_name()}, torch {torch.__version__}"
    known = _known(file)
    if anew or key not in known:
        known[key] = round(_measured(), 3)
        with suppress(CnnlabError):  # a folder that cannot be written: measured again next time
            with storage_errors(file.parent):
                file.parent.mkdir(parents=True, exist_ok=True)
            write_json(file, known)
    return known[key]


def _known(file: Path) -> dict[str, float]:
    try:
        known = json.loads(file.read_text(encoding="utf-8"))
        return {str(key): float(value) for key, value in known.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
