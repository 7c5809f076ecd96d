"""A dataset's name, or the path of the user's own images -> a Dataset."""

from __future__ import annotations

import difflib
import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from cnnlab.data import forms
from cnnlab.data.cache import CacheKey, load_or_build
from cnnlab.data.dataset import Dataset, fingerprint_of
from cnnlab.data.decoding import Survey
from cnnlab.data.places import is_offline
from cnnlab.data.source import (
    NO_OPTIONS,
    SOURCES,
    Allocate,
    Decoded,
    ReadOptions,
    Say,
    unsaid,
)
from cnnlab.data.tree import input_errors, shown
from cnnlab.data.trees import FILE_SUFFIXES, stem_of
from cnnlab.errors import ConfigError, DataError, UnknownNameError
from cnnlab.files import expanded
from cnnlab.options import Plain, fill_options
from cnnlab.registry import suggestion

__all__ = [
    "checked_options",
    "open_dataset",
    "open_sound",
    "option_names",
    "settled_options",
    "settled_source",
    "survey_files",
]


_DEFAULTS = ReadOptions()


def settled_source(source: str) -> str:
    """What to write down: a known name as it is, a path so that it holds in any folder."""
    return source if source in SOURCES else str(expanded(source).resolve())


def option_names(source: str) -> frozenset[str]:
    """The options that a source may have; for a path, those of any form."""
    if source in SOURCES:
        return frozenset(SOURCES.get(source).options)
    return frozenset(name for form in forms.FORMS for name in form.options)


def checked_options(
    source: str, given: Mapping[str, Plain], *, beside: Iterable[str] = ()
) -> dict[str, Plain]:
    """Check a source's options without looking at any file.

    A known name's are returned complete. Those of everything else are returned as they are, once
    each is known as an option of something: the rest shows when it is opened.
    ``beside`` and errors as in :func:`cnnlab.options.fill_options`.
    """
    if source in SOURCES:
        return fill_options(source, SOURCES.get(source).options, given, beside=beside)
    known = {*option_names(source), *(name for known in SOURCES for name in option_names(known))}
    strange = [name for name in given if name not in known]
    if strange:
        fill_options(shown(source), NO_OPTIONS, dict.fromkeys(strange), beside={*known, *beside})
    return dict(given)


def settled_options(source: str, given: Mapping[str, Plain]) -> dict[str, Plain]:
    """What to write down: every option that the source, or what lies at a path, has."""
    if source in SOURCES:
        return checked_options(source, given)
    path = _existing(source)
    return fill_options(shown(path), forms.form_of(path)[0].options, given)


def open_dataset(
    source: str,
    *,
    options: ReadOptions = _DEFAULTS,
    offline: bool = False,
    say: Say = unsaid,
    tell_notes: bool = True,
) -> Dataset:
    """Open images by the name of a known dataset, or by a path: folder, archive or file.

    They are decoded into the cache the first time, and memory-mapped from there afterwards.

    Parameters
    ----------
    source: "cifar10", "fashion-mnist" ...; else a path. A known name comes first: a folder of
        the same name is reached as "./NAME".
    options: size and colour mode, for what follows them; a source's own.
    offline: never download; what is not on this machine is then an error. ``CNNLAB_OFFLINE``
        in the environment says so for good.
    say: gets a line for what a user should know: where the images come from, files ignored ...
    tell_notes: whether ``say`` gets the dataset's notes, too.

    Raises :class:`UnknownNameError` for what is neither, or has no such option,
    :class:`ConfigError` for an option out of its range, :class:`DataError` for broken files,
    :class:`DownloadError` and :class:`StorageError`.
    """
    dataset = (
        _open_known(source, options, offline=offline, say=say)
        if source in SOURCES
        else _open_path(_existing(source), options, say=say)
    )
    _check_form(dataset, options)
    for note in dataset.notes if tell_notes else ():
        say(f"{dataset.name}: {note}")
    return dataset


def survey_files(source: str, options: ReadOptions = _DEFAULTS) -> Survey | None:
    """Look at the image files of a path without decoding them; None for what has none.

    Known datasets, arrays and Parquet have none. Raises as :func:`open_dataset` for what is no
    dataset at all; files that cannot be read are in the result.
    """
    if source in SOURCES:
        return None
    path = _existing(source)
    form, found = forms.form_of(path)
    if form.survey is None:
        return None
    return form.survey(found, options.filled(shown(path), form.options))


def open_sound(survey: Survey, options: ReadOptions = _DEFAULTS) -> Dataset:
    """The dataset without the files that are known to be broken, in memory, not in the cache.

    For looking at what is left; training refuses broken files. Raises :class:`DataError` where
    nothing is left.
    """
    sound = survey.sound()
    decoded = sound.decode(options, lambda shape: np.empty(shape, dtype=np.uint8))
    return Dataset(
        name=shown(stem_of(survey.source.path)),
        images=decoded.images,
        labels=decoded.labels,
        class_names=decoded.class_names,
        parts=decoded.parts,
        fingerprint=fingerprint_of(decoded.images, decoded.labels, decoded.class_names),
        origin=shown(survey.source.path),
        notes=decoded.notes,
    )


def _check_form(dataset: Dataset, options: ReadOptions) -> None:
    """Refuse a size or colour mode that the source, coming in one form only, did not follow."""
    height, width, channels = dataset.image_shape
    size = options.image_size
    if (size is not None and (height, width) != (size, size)) or (
        options.channels not in (None, channels)
    ):
        raise ConfigError(
            f"{dataset.name} comes as {height}x{width} pixels with {channels} channels",
            todo="image size and channels can be chosen for cifar10-jpeg, and for your own image "
            "files, .npz and Parquet files only",
        )


def _open_known(name: str, options: ReadOptions, *, offline: bool, say: Say) -> Dataset:
    source = SOURCES.get(name)
    options = options.filled(name, source.options, follows_form=source.follows_form)
    found = source.find()
    if found is None and (offline or is_offline()):
        raise DataError(
            f"the dataset '{name}' is not on this machine",
            todo=f"fetch it while online: cnnlab data fetch {name}",
        )
    if found is None:
        found = source.fetch(say)
    here = found
    key = CacheKey(shown(here.path), {"dataset": name, **here.identity}, options)

    def read(allocate: Allocate) -> Decoded:
        return source.read(here, options, allocate)

    return load_or_build(key, read, lambda: source.title, say=say)


def _open_path(path: Path, options: ReadOptions, *, say: Say) -> Dataset:
    form, found = forms.form_of(path)
    options = options.filled(shown(path), form.options, follows_form=form.follows_form)
    identity = form.identity(found, options)
    key = CacheKey(shown(path.absolute()), identity, options)

    def read(allocate: Allocate) -> Decoded:
        decoded = form.read(found, options, allocate)
        again = form.recognise(path)
        if again is None or form.identity(again, options) != identity:
            raise DataError(
                "files changed while they were being read",
                where=shown(path),
                todo="try again when nobody writes to them",
            )
        return decoded

    title = form.title or stem_of
    return load_or_build(key, read, lambda: shown(title(path)), say=say)


def _existing(source: str) -> Path:
    """Return the path, or say what might have been meant instead."""
    if not source or "\0" in source:
        raise UnknownNameError("no dataset is named", todo=f"choose from: {_choices()}")
    path = expanded(source)
    with input_errors(source):
        try:
            if stat.S_ISDIR(path.stat().st_mode):
                os.scandir(path).close()  # raises where it may not be read
        except (FileNotFoundError, NotADirectoryError):
            pass
        else:
            return path
    if _looks_like_path(source):
        near = difflib.get_close_matches(stem_of(path).lower(), SOURCES.names(), n=1)
        raise DataError(
            "no such file or folder",
            where=shown(source),
            todo=f"did you mean the dataset '{near[0]}'?" if near else None,
            expected="a folder or archive, a .npz, .parquet or .csv file, "
            f"or a dataset's name ({_choices()})",
        )
    raise UnknownNameError(
        f"no dataset, folder or archive is called '{shown(source)}'",
        todo=f"{suggestion(source, SOURCES.names())}; the path of a folder or archive will do too",
    )


def _looks_like_path(source: str) -> bool:
    separators = {os.sep, os.altsep or os.sep}
    return (
        source.startswith((".", "~"))
        or any(separator in source for separator in separators)
        or source.lower().endswith(FILE_SUFFIXES)
    )


def _choices() -> str:
    return ", ".join(SOURCES.names())
