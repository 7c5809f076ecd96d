"""Which arrays of a ``.npz`` file are images and labels, and of which part: by name, then shape."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from cnnlab.data.dataset import PARTS
from cnnlab.data.forms.npz_members import Member, Npz
from cnnlab.data.layout import PART_NAMES
from cnnlab.data.tree import listed, shown
from cnnlab.errors import DataError

__all__ = ["Pair", "find_class_names", "find_pairs"]

_IMAGES = frozenset({"x", "image", "images", "img", "imgs", "data", "pixels", "features"})
_LABELS = frozenset({"y", "label", "labels", "target", "targets", "category", "categories"})
_CLASS_NAMES = frozenset({"classnames", "classes", "labelnames", "targetnames"})
#: "x_train", "trainX", "X.train" and "xtrain" are all "x" and "train".
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")


@dataclass(frozen=True)
class Pair:
    """Images and labels of one part."""

    part: str
    images: Member
    labels: Member


def find_pairs(npz: Npz, images_key: str | None, labels_key: str | None) -> list[Pair]:
    """Return the pairs, in the order of the parts.

    Keys are known by their words in any writing: images are called ``x``, ``images`` ..., labels
    ``y``, ``labels`` ..., with or without a part's name beside. Where no key says so, the one
    array of images' shape and the one of as many labels are a pair. ``images_key`` and
    ``labels_key`` name one pair, which is the whole file.

    Raises :class:`DataError` for what is missing or could be meant in two ways; it lists what
    the file holds.
    """
    if images_key or labels_key:
        return [_chosen(npz, images_key, labels_key)]
    images, labels = (_by_part(npz, words) for words in (_IMAGES, _LABELS))
    if not images and not labels:
        return [_by_shape(npz)]
    for part in (*PARTS, ""):
        if (part in images) != (part in labels):
            has, lacks = ("images", "labels") if part in images else ("labels", "images")
            array = (images if part in images else labels)[part]
            raise _unclear(npz, f"there are {has} '{shown(array.key)}' but no {lacks} of them")
    if len(images) > 1 and "" in images:
        raise _unclear(npz, f"'{shown(images[''].key)}' stands beside images of parts")
    return [
        Pair(part or "train", images[part], labels[part]) for part in ("", *PARTS) if part in images
    ]


def find_class_names(npz: Npz) -> Member | None:
    """Return the array of class names: text ``[K]`` under a key that says so."""
    keys = [key for key in (*npz.arrays, *npz.refused) if "".join(_words(key)) in _CLASS_NAMES]
    found = [array for key in keys if (array := _at(npz, key)).dtype.kind in "SU"]
    if len(found) > 1:
        raise _unclear(
            npz, f"both '{shown(found[0].key)}' and '{shown(found[1].key)}' name classes"
        )
    return found[0] if found else None


def _words(key: str) -> list[str]:
    words = [word.lower() for word in _WORDS.findall(key)]
    if len(words) == 1 and words[0][:1] in "xy" and words[0][1:] in PART_NAMES:
        return [words[0][0], words[0][1:]]
    return words


def _by_part(npz: Npz, wanted: Iterable[str]) -> dict[str, Member]:
    """The arrays whose key is one of the wanted words, by part; "" where it names none."""
    found: dict[str, Member] = {}
    for key in (*npz.arrays, *npz.refused):
        words = _words(key)
        parts = [PART_NAMES[word] for word in words if word in PART_NAMES]
        rest = [word for word in words if word not in PART_NAMES]
        if len(rest) != 1 or rest[0] not in wanted or len(parts) > 1:
            continue
        part = parts[0] if parts else ""
        if part in found:
            raise _unclear(npz, f"'{shown(found[part].key)}' and '{shown(key)}' say the same")
        found[part] = _at(npz, key)
    return found


def _by_shape(npz: Npz) -> Pair:
    images = [array for array in npz.arrays.values() if len(array.shape) in (3, 4)]
    pairs = [
        Pair("train", image, label)
        for image in images
        for label in npz.arrays.values()
        if _fits(image, label)
    ]
    if len(pairs) != 1:
        raise _unclear(npz, "no key says what images and labels are")
    return pairs[0]


def _fits(images: Member, labels: Member) -> bool:
    return labels.shape[:1] == images.shape[:1] and labels.shape[1:] in ((), (1,))


def _chosen(npz: Npz, images_key: str | None, labels_key: str | None) -> Pair:
    """The pair of which the user names one key or both."""
    images = _at(npz, images_key) if images_key else None
    labels = _at(npz, labels_key) if labels_key else None
    if images is None:
        images = _other(npz, _IMAGES, "images", [a for a in npz.arrays.values() if a is not labels])
    if labels is None:
        labels = _other(
            npz, _LABELS, "labels", [a for a in npz.arrays.values() if _fits(images, a)]
        )
    return Pair("train", images, labels)


def _other(npz: Npz, words: Iterable[str], role: str, fitting: list[Member]) -> Member:
    """The array that goes with the one that the user named."""
    named = [array for array in _by_part(npz, words).values() if array in fitting]
    for choice in (named, fitting):
        if len(choice) == 1:
            return choice[0]
    raise _unclear(npz, f"it is not clear which array holds the {role}")


def _at(npz: Npz, key: str) -> Member:
    if key in npz.arrays:
        return npz.arrays[key]
    if key in npz.refused:
        raise DataError(
            f"it holds {npz.refused[key]}",
            where=shown(f"{npz.path}: {key}"),
            expected="numbers, or text as numpy.array(names, dtype=str)",
        )
    raise DataError(
        f"no array is called '{shown(key)}'",
        where=shown(npz.path),
        expected=f"one of: {listed([*npz.arrays])}",
    )


def _unclear(npz: Npz, what: str) -> DataError:
    held = [str(array) for array in npz.arrays.values()]
    return DataError(
        f"{what} (the file holds {listed(held) if held else 'no arrays'})",
        where=shown(npz.path),
        expected="x_train, y_train, x_test, y_test, or images, labels",
        todo="name the two: --set data.images_key=KEY --set data.labels_key=KEY",
    )
