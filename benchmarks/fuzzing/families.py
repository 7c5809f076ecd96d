"""Every format that is fuzzed, by the name that ``--format`` takes."""

from __future__ import annotations

from fuzzing.archives import ARCHIVES
from fuzzing.arrays import ARRAYS
from fuzzing.case import Family
from fuzzing.cifar import CIFAR
from fuzzing.images import IMAGES
from fuzzing.runs import RUNS
from fuzzing.settings_files import SETTINGS
from fuzzing.tables import TABLES

__all__ = ["FAMILIES"]

FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (*CIFAR, *ARRAYS, *TABLES, *ARCHIVES, *IMAGES, *SETTINGS, *RUNS)
}
