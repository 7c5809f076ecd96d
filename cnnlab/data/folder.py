"""Class folders, in a folder or an archive -> arrays."""

from __future__ import annotations

from dataclasses import replace

from cnnlab.data.decoding import check_form, decode_layout
from cnnlab.data.inventory import Inventory, take_inventory
from cnnlab.data.layout import Layout, arrange, ignored_note
from cnnlab.data.source import Allocate, Decoded, ReadOptions
from cnnlab.data.tree import Tree

__all__ = ["arrange_folders", "read_class_folders"]


def read_class_folders(tree: Tree, options: ReadOptions, allocate: Allocate) -> Decoded:
    """Find the classes, choose size and channels, and decode every image.

    Raises :class:`DataError` for classes that do not fit together, and for image files that
    cannot be read: all of them are counted, the first ones named. ``options`` outside their
    range are a :class:`ConfigError`.
    """
    check_form(options)
    inventory = take_inventory(tree)
    return decode_layout(tree, inventory, arrange_folders(tree, inventory), options, allocate)


def arrange_folders(tree: Tree, inventory: Inventory) -> Layout:
    """Find the classes, and say what was left out; raises as :func:`arrange` does."""
    layout = arrange(tree.path, inventory.images, inventory.folders)
    ignored = ignored_note(inventory.ignored)
    return replace(layout, notes=(*layout.notes, *([ignored] if ignored else [])))
