"""CIFAR-100: 100 classes, or the 20 that they belong to."""

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
from cnnlab.options import Choice

__all__ = ["BINARY", "CIFAR100", "COARSE", "FINE", "MIRRORS", "PYTHON"]

# fmt: off
_FINE_NAMES = (
    "apple", "aquarium_fish", "baby", "bear", "beaver", "bed", "bee", "beetle", "bicycle",
    "bottle", "bowl", "boy", "bridge", "bus", "butterfly", "camel", "can", "castle",
    "caterpillar", "cattle", "chair", "chimpanzee", "clock", "cloud", "cockroach", "couch",
    "crab", "crocodile", "cup", "dinosaur", "dolphin", "elephant", "flatfish", "forest", "fox",
    "girl", "hamster", "house", "kangaroo", "keyboard", "lamp", "lawn_mower", "leopard", "lion",
    "lizard", "lobster", "man", "maple_tree", "motorcycle", "mountain", "mouse", "mushroom",
    "oak_tree", "orange", "orchid", "otter", "palm_tree", "pear", "pickup_truck", "pine_tree",
    "plain", "plate", "poppy", "porcupine", "possum", "rabbit", "raccoon", "ray", "road",
    "rocket", "rose", "sea", "seal", "shark", "shrew", "skunk", "skyscraper", "snail", "snake",
    "spider", "squirrel", "streetcar", "sunflower", "sweet_pepper", "table", "tank", "telephone",
    "television", "tiger", "tractor", "train", "trout", "tulip", "turtle", "wardrobe", "whale",
    "willow_tree", "wolf", "woman", "worm",
)
_COARSE_NAMES = (
    "aquatic_mammals", "fish", "flowers", "food_containers", "fruit_and_vegetables",
    "household_electrical_devices", "household_furniture", "insects", "large_carnivores",
    "large_man-made_outdoor_things", "large_natural_outdoor_scenes",
    "large_omnivores_and_herbivores", "medium_mammals", "non-insect_invertebrates", "people",
    "reptiles", "small_mammals", "trees", "vehicles_1", "vehicles_2",
)
# fmt: on

FINE = Labelling("fine", _FINE_NAMES, byte=1, key="fine_labels", names_key="fine_label_names")
COARSE = Labelling(
    "coarse", _COARSE_NAMES, byte=0, key="coarse_labels", names_key="coarse_label_names"
)

#: The author's server under both of its names.
MIRRORS = (
    Mirror("the University of Toronto", "https://www.cs.toronto.edu/~kriz/"),
    Mirror("the University of Toronto's new address", "https://cave.cs.toronto.edu/kriz/"),
)

#: The names of the files are common ones, so that one alone tells nothing.
_FEWEST = 2

#: Records of bytes. Of the archive the author published the MD5
#: 03b5dce01913d631647c71ecec9e9cb8; its SHA-256, and those of the files in it, are what projects
#: check that download it. The lists of classes have no digest: none was published.
BINARY = Form(
    archive=RemoteFile(
        "cifar-100-binary.tar.gz",
        168_513_733,
        "sha256:58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
    ),
    folder="cifar-100-binary",
    batches=(
        RemoteFile(
            "train.bin",
            153_700_000,
            "sha256:f31298fc616915fa142368359df1c4ca2ae984d6915ca468b998a5ec6aeebf29",
        ),
        RemoteFile(
            "test.bin",
            30_740_000,
            "sha256:d8b1e6b7b3bee4020055f0699b111f60b1af1e262aeb93a0b659061746f8224a",
        ),
    ),
    names={
        FINE.key: RemoteFile("fine_label_names.txt", 0, ""),
        COARSE.key: RemoteFile("coarse_label_names.txt", 0, ""),
    },
    parse=partial(parse_records, label_bytes=2),
    parse_names=listed_names,
    fewest=_FEWEST,
)

_META = RemoteFile("meta", 1473, "md5:7973b15100ade9c7d40fb424638fde48")

#: Pickled dictionaries, as torchvision and Keras keep them. Of the archive the author published
#: the MD5 eb9058c3a382ffc7106e4002c42a8d85; its SHA-256 is Keras's, the MD5s are torchvision's.
PYTHON = Form(
    archive=RemoteFile(
        "cifar-100-python.tar.gz",
        169_001_437,
        "sha256:85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
    ),
    folder="cifar-100-python",
    batches=(
        RemoteFile("train", 155_249_918, "md5:16019d7e3df5f24257cddd939b257f8d"),
        RemoteFile("test", 31_049_707, "md5:f0ef6b0ae62326f3e7ffdfab6717acfc"),
    ),
    names={FINE.key: _META, COARSE.key: _META},
    parse=parse_pickled,
    parse_names=pickled_names,
    fewest=_FEWEST,
)


#: A. Krizhevsky, "Learning multiple layers of features from tiny images" (2009).
CIFAR100 = Cifar(
    name="cifar100",
    title="CIFAR-100",
    description="60,000 colour 32x32 images, 100 classes in 20 groups (data.labels); 169 MB",
    labellings=(FINE, COARSE),
    forms=(BINARY, PYTHON),
    mirrors=MIRRORS,
    options={
        "labels": Choice((FINE.name, COARSE.name), meaning="the 100 classes, or their 20 groups")
    },
)

SOURCES.add(CIFAR100.name, CIFAR100)
