"""The 15 corruptions of CIFAR-10-C, made when they are wanted: pure functions of images.

D. Hendrycks and T. Dietterich, "Benchmarking neural network robustness to common corruptions and
perturbations", ICLR 2019 (arXiv:1903.12261). Parameters are those of the paper's program for
CIFAR-10; what is done otherwise stands with each corruption and in ``docs/robustness.md``.
"""

# Importing a family registers what stands in it.
from cnnlab.data.corruptions import blur, digital, noise, weather
from cnnlab.data.corruptions.catalogue import (
    CORRUPTIONS,
    FAMILIES,
    SEVERITIES,
    VERSION,
    Corruption,
    chosen_corruptions,
    corrupt,
)

__all__ = [
    "CORRUPTIONS",
    "FAMILIES",
    "SEVERITIES",
    "VERSION",
    "Corruption",
    "blur",
    "chosen_corruptions",
    "corrupt",
    "digital",
    "noise",
    "weather",
]
