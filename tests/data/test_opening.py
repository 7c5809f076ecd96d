"""From what a user types to a dataset."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from class_folders import ARCHIVES, encoded, pack, pixels, write_classes

from cnnlab.data import forms, open_dataset, opening
from cnnlab.data.forms import image_files
from cnnlab.data.layout import Layout
from cnnlab.data.opening import (
    checked_options,
    option_names,
    settled_options,
    settled_source,
)
from cnnlab.data.source import SOURCES, Allocate, Decoded, Found, PathForm, ReadOptions, Say
from cnnlab.errors import (
    ConfigError,
    DataError,
    UnknownNameError,
)
from cnnlab.options import Choice, Number, Text
from cnnlab.registry import Registry

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_classes(tmp_path / "pets", {"train/cat": 3, "train/dog": 2, "test/dog": 2})


FAKE_OPTIONS = {"shade": Number(9, low=0, high=255), "kind": Choice(("plain", "odd"))}


class Fake:
    """A source of two images that can be fetched, but may not be there yet."""

    name, title, description = "fake", "Fake-2", "two images"
    options = FAKE_OPTIONS
    follows_form = False

    def __init__(self, place: Path) -> None:
        self.place = place
        self.fetched = 0

    def find(self) -> Found | None:
        return Found(self.place, {"there": True}) if self.place.exists() else None

    def fetch(self, say: Say, *, time_limit_seconds: float | None = None) -> Found:
        self.fetched += 1
        self.place.touch()
        say("fetched")
        return Found(self.place, {"there": True})

    def read(self, found: Found, options: ReadOptions, allocate: Allocate) -> Decoded:
        images = allocate((2, 4, 4, 1))
        images[1] = options.own["shade"]
        return Decoded(images, np.array([0, 1]), ("a", "b"), {"train": 2})


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    registry: Registry[object] = Registry("dataset")
    for name in SOURCES:
        registry.add(name, SOURCES.get(name))
    source = Fake(tmp_path / "fake.bin")
    registry.add("fake", source)
    monkeypatch.setattr(opening, "SOURCES", registry)
    return source


def test_a_name_is_fetched_once_and_decoded_once(fake: Fake) -> None:
    said: list[str] = []
    first = open_dataset("fake", say=said.append)
    second = open_dataset("fake", say=said.append)
    assert fake.fetched == 1
    assert said[0] == "fetched"
    assert sum("decoding" in line for line in said) == 1
    for dataset in (first, second):
        assert dataset.name == "Fake-2"
        assert dataset.origin == str(fake.place)
        assert dataset.image_shape == (4, 4, 1)


def test_offline_nothing_is_fetched(fake: Fake) -> None:
    with pytest.raises(DataError, match=r"not on this machine; .*: cnnlab data fetch fake$"):
        open_dataset("fake", offline=True)
    assert fake.fetched == 0
    fake.place.touch()
    assert len(open_dataset("fake", offline=True)) == 2


def test_a_known_name_wins_over_a_folder_which_a_path_reaches(
    fake: Fake, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.rename(folder.parent / "fake")
    monkeypatch.chdir(folder.parent)
    assert open_dataset("fake").name == "Fake-2"
    assert open_dataset("./fake").class_names == ("cat", "dog")
    assert open_dataset("./fake").name == "fake"


@pytest.mark.parametrize("kind", ["", *ARCHIVES])
def test_a_folder_and_every_archive_give_the_same_dataset(kind: str, folder: Path) -> None:
    expected = open_dataset(str(folder))
    dataset = open_dataset(str(pack(folder, kind) if kind else folder))
    assert dataset.name == "pets"
    assert dataset.fingerprint == expected.fingerprint
    assert dataset.parts == {"train": 5, "test": 2}
    assert len(dataset.rows_of("test")) == 2


def test_notes_are_said_every_time(folder: Path) -> None:
    (folder / ".DS_Store").touch()
    for _ in range(2):
        said: list[str] = []
        dataset = open_dataset(str(folder), say=said.append)
        note = "ignored, being no images: 1 x .DS_Store"
        assert [line for line in said if "DS_Store" in line] == [f"pets: {note}"]
        assert note in dataset.notes


def test_a_changed_folder_is_decoded_again(folder: Path) -> None:
    before = open_dataset(str(folder))
    (folder / "train" / "cat" / "0.png").write_bytes(encoded(pixels(77)))
    after = open_dataset(str(folder))
    assert before.fingerprint != after.fingerprint
    np.testing.assert_array_equal(after.images[0], pixels(77))


def test_files_that_change_while_they_are_read_are_an_error(
    folder: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    genuine = image_files.arrange_folders

    def arrange(*arguments: object) -> Layout:
        layout = genuine(*arguments)  # type: ignore[arg-type]  # passed through
        (folder / "train" / "cat" / "late.png").write_bytes(encoded(pixels(5)))
        return layout

    monkeypatch.setattr(image_files, "arrange_folders", arrange)
    with pytest.raises(DataError, match="changed while they were being read"):
        open_dataset(str(folder))
    assert not list((home / "datasets").glob("*/meta.json"))


def test_options_reach_a_folder_and_are_refused_elsewhere(folder: Path) -> None:
    options = ReadOptions(image_size=16, channels=1)
    assert open_dataset(str(folder), options=options).image_shape == (16, 16, 1)
    assert open_dataset("digits", options=ReadOptions(image_size=32)).image_shape == (32, 32, 1)
    for wrong in (options, replace(options, image_size=None, channels=3)):
        with pytest.raises(ConfigError, match="Digits comes as 32x32 pixels with 1 channels"):
            open_dataset("digits", options=wrong)


def test_a_sources_own_options_reach_it_and_each_choice_is_kept_apart(
    fake: Fake, home: Path
) -> None:
    shades = [
        int(open_dataset("fake", options=ReadOptions(own=own)).images[1].max())
        for own in ({}, {"shade": 9}, {"shade": 9, "kind": "plain"}, {"shade": 40}, {})
    ]
    assert shades == [9, 9, 9, 40, 9]
    assert len(list((home / "datasets").glob("*/meta.json"))) == 2


@pytest.mark.parametrize(
    ("own", "error", "said"),
    [
        ({"shad": 1}, UnknownNameError, "^fake has no option 'shad'; did you mean 'shade'"),
        ({"shade": 256}, ConfigError, "^fake, shade: .* 256; expected a whole number from 0 to"),
        ({"shade": 1.5}, ConfigError, "a whole number from 0 to 255"),
        ({"kind": "even"}, ConfigError, "'even'; expected one of plain, odd"),
    ],
)
def test_wrong_options_are_refused_before_anything_is_fetched(
    own: dict[str, object], error: type[Exception], said: str, fake: Fake
) -> None:
    with pytest.raises(error, match=said):
        open_dataset("fake", options=ReadOptions(own=own))  # type: ignore[arg-type]  # or not
    assert fake.fetched == 0


@pytest.fixture
def with_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of a form that takes an option."""

    def recognise(path: Path) -> Found | None:
        return Found(path, {"there": True}) if path.suffix == ".shade" else None

    def read(found: Found, options: ReadOptions, allocate: Allocate) -> Decoded:
        images = allocate((1, 4, 4, 1))
        images[...] = 1 if options.own["column"] is None else 2
        return Decoded(images, np.array([0]), ("a",), {"train": 1})

    form = PathForm(recognise, read, {"column": Text()})
    monkeypatch.setattr(forms, "FORMS", (form, *forms.FORMS))
    path = tmp_path / "my.shade"
    path.touch()
    return path


def test_what_lies_at_a_path_may_take_options_too(with_form: Path, folder: Path) -> None:
    source, given = str(with_form), ReadOptions(own={"column": "x"})
    assert open_dataset(source).images.max() == 1
    assert open_dataset(source, options=given).images.max() == 2
    assert settled_options(source, {}) == {"column": None}
    assert settled_options(source, {"column": "x"}) == {"column": "x"}
    with pytest.raises(ConfigError, match="column: the value is 3; expected text, or null"):
        settled_options(source, {"column": 3})
    with pytest.raises(UnknownNameError, match="pets has no option 'column'"):
        open_dataset(str(folder), options=given)


def test_options_are_checked_as_far_as_that_needs_no_file(with_form: Path, fake: Fake) -> None:
    assert checked_options("fake", {"shade": 3}) == {"shade": 3, "kind": "plain"}
    assert checked_options("/not/here", {"column": "x"}) == {"column": "x"}
    assert checked_options("/not/here", {}) == {}
    with pytest.raises(UnknownNameError, match="did you mean 'column'"):
        checked_options("/not/here", {"colunm": "x"})
    with pytest.raises(UnknownNameError, match="did you mean 'image_size'"):
        checked_options("fake", {"imagesize": 3}, beside=["image_size"])
    assert option_names("fake") == {"shade", "kind"}
    assert option_names("/not/here") >= {"column"}


def test_a_mistyped_name_is_what_an_option_beside_it_is_told_of(fake: Fake) -> None:
    assert checked_options("fak", {"shade": 3}) == {"shade": 3}
    with pytest.raises(UnknownNameError, match="'fak'; did you mean 'fake'"):
        open_dataset("fak", options=ReadOptions(own={"shade": 3}))


def test_published_files_are_known_wherever_they_lie(tmp_path: Path) -> None:
    folder = tmp_path / "unpacked"
    folder.mkdir()
    generator = np.random.default_rng(0)
    for part, count in (("train", 5), ("t10k", 3)):
        values = generator.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        head = struct.pack(">4I", 0x803, count, 28, 28)
        (folder / f"{part}-images-idx3-ubyte").write_bytes(head + values.tobytes())
        labels = bytes(range(count))
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(
            struct.pack(">2I", 0x801, count) + labels
        )
    dataset = open_dataset(str(folder))
    assert dataset.image_shape == (28, 28, 1)
    assert dataset.parts == {"train": 5, "test": 3}
    assert dataset.name == "unpacked"


@pytest.mark.parametrize("name", SOURCES)
def test_every_source_says_what_it_is(name: str) -> None:
    source = SOURCES.get(name)
    assert source.name == name
    assert source.title
    assert source.description
    assert "\n" not in source.description


def test_a_home_of_nobody_is_no_folder(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home.parent)
    assert settled_source("~nosuch/pets") == str(home.parent / "~nosuch" / "pets")
    with pytest.raises(DataError, match="~nosuch/pets: no such file or folder"):
        open_dataset("~nosuch/pets")
