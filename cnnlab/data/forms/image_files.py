"""Folders and archives of image files: in class folders, or named by a table among them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from cnnlab.data.cifar10_jpeg import Cifar10Jpeg
from cnnlab.data.decoding import Survey, check_form
from cnnlab.data.folder import arrange_folders
from cnnlab.data.forms.inner_tables import arrange_by_table, may_be_table
from cnnlab.data.inventory import take_inventory
from cnnlab.data.source import Allocate, Decoded, Found, PathForm, ReadOptions
from cnnlab.data.tree import input_errors
from cnnlab.data.trees import open_tree, stem_of

__all__ = ["FORM"]


def _recognise(path: Path) -> Found:
    """Take every path; what is neither a folder nor an archive is a ``DataError``."""
    open_tree(path)
    return Found(path, {})


def _identify(found: Found, options: ReadOptions) -> Mapping[str, object]:
    del options  # every file counts, however it is read
    return open_tree(found.path).identity()


def _survey(found: Found, options: ReadOptions) -> Survey:
    check_form(options)
    tree = open_tree(found.path)
    inventory = take_inventory(tree, may_be_table)
    layout, notes = arrange_by_table(tree.path, inventory)
    if layout is None:
        layout = arrange_folders(tree, inventory)
        layout = replace(layout, notes=(*layout.notes, *notes))
    return Survey(tree, inventory, layout)


def _read(found: Found, options: ReadOptions, allocate: Allocate) -> Decoded:
    return _survey(found, options).decode(options, allocate)


def _title(path: Path) -> str:
    with input_errors(path):
        known = path.is_file() and Cifar10Jpeg.is_copy(path)
    return Cifar10Jpeg.title if known else stem_of(path)


#: Image files in a folder or an archive.
FORM = PathForm(_recognise, _read, identify=_identify, title=_title, survey=_survey)
