"""What a walk through a tree keeps."""

from __future__ import annotations

from pathlib import Path

import pytest
from class_folders import pack, write_classes

from cnnlab.data import inventory, open_dataset
from cnnlab.data.inventory import take_inventory
from cnnlab.data.trees import open_tree
from cnnlab.errors import DataError


@pytest.mark.parametrize("kind", ["", "zip", "tar.gz"])
def test_a_table_is_kept_whole_or_refused(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inventory, "MAX_TABLE_BYTES", 1000)
    folder = write_classes(tmp_path / "pets", {"cat": 1, "dog": 1})
    table, other = folder / "labels.csv", folder / "read me.txt"
    other.write_bytes(b"y" * 2000)
    table.write_bytes(b"x" * 1000)
    path = pack(folder, kind) if kind else folder
    found = take_inventory(open_tree(path), lambda name: name.endswith(".csv"))
    assert found.others == {"labels.csv": b"x" * 1000}
    table.write_bytes(b"x" * 1001)
    path = pack(folder, kind) if kind else folder
    with pytest.raises(DataError, match=r"labels\.csv: the table has more than 1,000 bytes"):
        open_dataset(str(path))
