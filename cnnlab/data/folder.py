"""Class folders, in a folder or an archive -> arrays."""

from __future__ import annotations

from dataclasses import replace

from cnnlab.data.decoding import check_form, decode_layout
from cnnlab.data.inventory import take_inventory
from cnnlab.data.layout import arrange, ignored_note
from cnnlab.data.source import Allocate, Decoded, ReadOptions
from cnnlab.data.tree import Tree

__all__ = ["read_class_folders"]


def read_class_folders(tree: Tree, options: ReadOptions, allocate: Allocate) -> Decoded:
    """Find the classes, choose size and channels, and decode every image.

    Raises :class:`DataError` for classes that do not fit together, and for image files that
    cannot be read: all of them are counted, the first ones named. ``options`` outside their
    range are a :class:`ConfigError`.
    """
    check_form(options)
    inventory = take_inventory(tree)
    layout = arrange(tree.path, inventory.images, inventory.folders)
    ignored = ignored_note(inventory.ignored)
    if ignored:
        layout = replace(layout, notes=(*layout.notes, ignored))
    return decode_layout(tree, inventory, layout, options, allocate)
