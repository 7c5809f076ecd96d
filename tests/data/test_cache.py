"""The decoded cache: built once by whoever comes first, sound or absent."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from cache_files import IMAGES, KEY, LABELS, Reader, entries, get

from cnnlab.data.cache import CacheKey, forget
from cnnlab.data.dataset import Dataset, fingerprint_of
from cnnlab.data.source import Allocate, Decoded, ReadOptions
from cnnlab.errors import DataError, StorageError
from cnnlab.files import exclusive_lock

pytestmark = pytest.mark.usefixtures("home")


def test_what_is_decoded_is_kept_and_opened_again() -> None:
    read = Reader()
    first, second = get(read), get(read)
    assert read.calls == 1
    for dataset in (first, second):
        np.testing.assert_array_equal(dataset.images, IMAGES)
        np.testing.assert_array_equal(dataset.labels, LABELS)
        assert dataset.class_names == ("cat", "dog <b>")
        assert dataset.parts == {"train": 4, "test": 2}
        assert list(dataset.parts) == ["train", "test"]
        assert dataset.fingerprint == fingerprint_of(IMAGES, LABELS, ("cat", "dog <b>"))
        assert (dataset.name, dataset.origin, dataset.notes) == ("Pets", "/some/where", ("a note",))


def test_pixels_are_mapped_and_read_only() -> None:
    dataset = get(Reader())
    assert isinstance(dataset.images, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        dataset.images[0] = 0


@pytest.mark.parametrize(
    "other",
    [
        CacheKey("/some/where", {"size": 4}, ReadOptions()),
        CacheKey("/some/where", {"size": 3}, ReadOptions(image_size=9)),
        CacheKey("/some/where", {"size": 3}, ReadOptions(channels=1)),
        CacheKey("/else/where", {"size": 3}, ReadOptions()),
    ],
)
def test_another_key_is_another_entry(other: CacheKey) -> None:
    read = Reader()
    get(read)
    get(read, other)
    assert read.calls == 2
    assert other.digest != KEY.digest


def cut(path: Path, length: int) -> None:
    path.write_bytes(path.read_bytes()[:length])


def without(path: Path, key: str) -> None:
    meta = json.loads(path.read_text())
    del meta[key]
    path.write_text(json.dumps(meta))


def changed(path: Path, **values: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


DAMAGE: dict[str, Callable[[Path], None]] = {
    "images gone": lambda entry: (entry / "images.npy").unlink(),
    "images empty": lambda entry: cut(entry / "images.npy", 0),
    "images one byte": lambda entry: cut(entry / "images.npy", 1),
    "images half": lambda entry: cut(entry / "images.npy", 600),
    "images all but one byte": lambda entry: cut(entry / "images.npy", -1),
    "images pickled": lambda entry: (entry / "images.npy").write_bytes(b"\x80\x04K\x01."),
    "images of another shape": lambda entry: np.save(entry / "images.npy", IMAGES[:5]),
    "images of another type": lambda entry: np.save(entry / "images.npy", IMAGES.astype(float)),
    "labels gone": lambda entry: (entry / "labels.npy").unlink(),
    "labels half": lambda entry: cut(entry / "labels.npy", 140),
    "labels out of range": lambda entry: np.save(entry / "labels.npy", LABELS + 1),
    "labels of another type": lambda entry: np.save(entry / "labels.npy", LABELS.astype(float)),
    "labels too few": lambda entry: np.save(entry / "labels.npy", LABELS[:5]),
    "meta gone": lambda entry: (entry / "meta.json").unlink(),
    "meta empty": lambda entry: cut(entry / "meta.json", 0),
    "meta half": lambda entry: cut(entry / "meta.json", 100),
    "meta no object": lambda entry: (entry / "meta.json").write_text("[1]"),
    "meta not text": lambda entry: (entry / "meta.json").write_bytes(b"\xff\xfe"),
    "meta without name": lambda entry: without(entry / "meta.json", "name"),
    "meta of others": lambda entry: changed(entry / "meta.json", key={"schema": 0}),
    "meta with other parts": lambda entry: changed(entry / "meta.json", parts={"train": 5}),
    "meta with odd parts": lambda entry: changed(entry / "meta.json", parts=7),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_entry_is_decoded_again_and_it_is_said(damage: str, home: Path) -> None:
    read = Reader()
    get(read)
    DAMAGE[damage](home / "datasets" / KEY.digest)
    said: list[str] = []
    dataset = get(read, say=said.append)
    assert read.calls == 2
    np.testing.assert_array_equal(dataset.images, IMAGES)
    assert "damaged; decoding again" in said[0]
    assert entries(home) == [KEY.digest]
    get(read)
    assert read.calls == 2


def test_a_reader_may_bring_its_own_array() -> None:
    own = get(lambda _: Decoded(IMAGES, LABELS, ("a", "b"), {"train": 6}))
    np.testing.assert_array_equal(own.images, IMAGES)


def test_a_reader_may_hand_over_a_part_of_what_it_allocated() -> None:
    def read(allocate: Allocate) -> Decoded:
        images = allocate((9, 8, 8, 3))
        images[:6] = IMAGES
        return Decoded(images[:6], LABELS, ("a", "b"), {"train": 6})

    np.testing.assert_array_equal(get(read).images, IMAGES)


@pytest.mark.parametrize("labels", [LABELS + 5, LABELS[:4]])
def test_a_readers_mistake_leaves_nothing(labels: np.ndarray, home: Path) -> None:
    with pytest.raises(DataError):
        get(lambda _: Decoded(IMAGES, labels, ("a", "b"), {"train": 6}))
    assert entries(home) == []


@pytest.mark.parametrize("error", [DataError("broken"), KeyboardInterrupt(), MemoryError()])
def test_what_a_reader_raises_passes_and_leaves_nothing(error: BaseException, home: Path) -> None:
    def read(allocate: Allocate) -> Decoded:
        allocate((6, 8, 8, 3))
        raise error

    with pytest.raises(type(error)):
        get(read)
    assert entries(home) == []


def fail(number: int) -> Callable[..., None]:
    def raise_error(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return raise_error


def test_a_full_disk_leaves_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "posix_fallocate", fail(errno.ENOSPC))
    with pytest.raises(StorageError, match=r"no space left.*free some space, or set CNNLAB_HOME"):
        get(Reader())
    assert entries(home) == []


def test_a_full_disk_while_describing_leaves_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(np, "save", fail(errno.ENOSPC))
    with pytest.raises(StorageError, match="no space left"):
        get(Reader())
    assert entries(home) == []


LIMITED = """
import resource, sys
sys.path.insert(0, {tests!r})
from test_cache import get
from cnnlab.data.source import Decoded
from cnnlab.errors import StorageError
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
try:
    get(lambda allocate: allocate((1000, 64, 64, 3)))
except StorageError as error:
    print(error)
"""


def test_writing_beyond_what_the_system_grants_is_an_error_not_a_crash(home: Path) -> None:
    script = LIMITED.format(tests=str(Path(__file__).parent))
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "file too large; free some space, or set CNNLAB_HOME" in done.stdout
    assert entries(home) == []


@pytest.mark.parametrize("lack", ["no function", "not supported"])
def test_space_is_taken_by_writing_where_the_system_cannot_grant_it(
    lack: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if lack == "no function":
        monkeypatch.delattr(os, "posix_fallocate")
    else:
        monkeypatch.setattr(os, "posix_fallocate", fail(errno.EOPNOTSUPP))
    np.testing.assert_array_equal(get(Reader()).images, IMAGES)


def test_space_is_really_taken(home: Path) -> None:
    blocks: list[int] = []

    def read(allocate: Allocate) -> Decoded:
        images = allocate((600, 32, 32, 3))
        (file,) = (home / "datasets").glob(".*.tmp/images.npy")
        blocks.append(file.stat().st_blocks * 512)
        return Decoded(images, np.zeros(600, np.int64), ("a", "b"), {"train": 600})

    get(read)
    assert blocks[0] >= 600 * 32 * 32 * 3


def test_a_home_that_cannot_be_written_is_named(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.write_text("a file, no folder")
    with pytest.raises(StorageError, match=r"cannot be written.*set CNNLAB_HOME") as caught:
        get(Reader())
    assert str(home) in str(caught.value)


def test_an_entry_opens_though_the_home_cannot_be_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read = Reader()
    get(read)
    monkeypatch.setattr(Path, "mkdir", fail(errno.EROFS))
    get(read)
    assert read.calls == 1


def test_leftovers_of_dead_processes_are_removed(home: Path) -> None:
    leftover = home / "datasets" / f".{'a' * 32}.12345678.tmp"
    at_work = home / "datasets" / f".{'b' * 32}.12345678.tmp"
    for folder in (leftover, at_work):
        folder.mkdir(parents=True)
        (folder / "images.npy").write_bytes(b"half")
    with exclusive_lock(home / "datasets" / f"{'b' * 32}.lock"):
        get(Reader())
    assert entries(home) == sorted([KEY.digest, at_work.name])


def test_an_entry_of_files_that_have_changed_is_removed(home: Path) -> None:
    changed_since = CacheKey(KEY.origin, {"size": 4}, KEY.options)
    other_size = CacheKey(KEY.origin, {"size": 3}, ReadOptions(image_size=9))
    by_name = CacheKey(KEY.origin, {"size": 3, "dataset": "pets"}, KEY.options)
    for key in (KEY, other_size, by_name, changed_since):
        get(Reader(), key)
    kept = sorted(k.digest for k in (other_size, by_name, changed_since))
    assert entries(home) == kept
    locks = sorted(path.stem for path in (home / "datasets").glob("*.lock"))
    assert locks == kept, "its lock goes with an entry"


def test_a_damaged_entry_of_others_does_not_matter(home: Path) -> None:
    other = CacheKey("/else/where", {}, ReadOptions())
    get(Reader(), other)
    (home / "datasets" / other.digest / "meta.json").write_text("{")
    get(Reader())
    assert entries(home) == sorted([KEY.digest, other.digest])


def test_what_is_forgotten_leaves_nothing_and_stays_readable(home: Path) -> None:
    dataset = get(Reader())
    forget(dataset)
    assert list((home / "datasets").iterdir()) == []
    np.testing.assert_array_equal(dataset.images, IMAGES)


def test_images_elsewhere_are_not_forgotten(home: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "images.npy", IMAGES)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    names, parts = ("cat", "dog"), {"train": 6}
    forget(Dataset("d", mapped, LABELS, names, parts, "f"))
    forget(Dataset("d", IMAGES, LABELS, names, parts, "f"))
    assert (tmp_path / "images.npy").exists()
