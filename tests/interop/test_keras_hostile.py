"""Keras files that are damaged or mean harm: one line each, nothing run, nothing followed."""

from __future__ import annotations

import pickle
import struct
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import h5py
import numpy as np
import pytest
from small_keras_files import KERNEL, layers_of, model_of, weights_bytes, write_archive

from cnnlab.errors import DataError, InputError
from cnnlab.interop.keras import import_keras

ARRAY = "layers/conv2d/vars/0"


def _refused(path: Path, **options: str) -> str:
    """The one line that a file is refused with."""
    with pytest.raises(InputError) as caught:
        import_keras(path, path.parent / "out", scale="1", **options)
    assert "\n" not in str(caught.value)
    assert str(path.parent) in str(caught.value)
    assert not (path.parent / "out").exists()
    return str(caught.value)


def _external(file: h5py.File) -> None:
    file[ARRAY] = h5py.ExternalLink("outside.h5", "/secret")


def _soft(file: h5py.File) -> None:
    file[ARRAY] = h5py.SoftLink("/layers/dense/vars/0")


def _group_link(file: h5py.File) -> None:
    file.move("layers/conv2d", "elsewhere")
    file["layers/conv2d"] = h5py.SoftLink("/elsewhere")
    del file["elsewhere"]


def _other_files(file: h5py.File) -> None:
    file.create_dataset(
        ARRAY, KERNEL.shape, "f4", external=[("/etc/hostname", 0, h5py.h5f.UNLIMITED)]
    )


def _virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout(KERNEL.shape, "f4")
    layout[:] = h5py.VirtualSource("outside.h5", "secret", KERNEL.shape)
    file.create_virtual_dataset(ARRAY, layout)


def _filtered(file: h5py.File) -> None:
    file.create_dataset(ARRAY, data=KERNEL, compression="gzip")


def _chunked(file: h5py.File) -> None:
    file.create_dataset(ARRAY, data=KERNEL, chunks=True)


def _huge(file: h5py.File) -> None:
    file.create_dataset(ARRAY, (1 << 20, 1 << 20), "f4")


def _unwritten(file: h5py.File) -> None:
    file.create_dataset(ARRAY, KERNEL.shape, "f4")


def _whole_numbers(file: h5py.File) -> None:
    file[ARRAY] = KERNEL.astype(np.int32)


def _not_finite(file: h5py.File) -> None:
    file[ARRAY] = np.full_like(KERNEL, np.inf)


def _text(file: h5py.File) -> None:
    file[ARRAY] = "import os"


def _group(file: h5py.File) -> None:
    file.create_group(ARRAY)


def _nothing(file: h5py.File) -> None:
    file["layers/conv2d/vars/9"] = KERNEL


def _more(file: h5py.File) -> None:
    file[ARRAY] = KERNEL
    file["layers/conv2d/vars/2"] = KERNEL


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_external, "is a link, which is not followed"),
        (_soft, "is a link, which is not followed"),
        (_group_link, "is a link, which is not followed"),
        (_other_files, "lies in other files"),
        (_virtual, "lies in other files"),
        (_filtered, "compressed or stored in chunks"),
        (_chunked, "compressed or stored in chunks"),
        (_huge, "has the shape [1048576, 1048576]; expected [3, 3, 3, 4]"),
        (_unwritten, "declares more than the file holds"),
        (_whole_numbers, "is of type int32"),
        (_not_finite, "holds what is no finite number"),
        (_text, "has the shape []"),
        (_group, "is missing"),
        (_nothing, "is missing"),
        (_more, "3 arrays of weights for it; expected 2"),
    ],
)
def test_case_6_weights_that_lead_elsewhere(
    tmp_path: Path, change: Callable[[h5py.File], None], said: str
) -> None:
    with h5py.File(tmp_path / "outside.h5", "w") as outside:
        outside["secret"] = KERNEL

    def broken(file: h5py.File) -> None:
        if change is not _group_link:
            del file[ARRAY]
        change(file)

    path = write_archive(tmp_path / "m.keras", weights=weights_bytes(broken))
    assert said in _refused(path)


class _Harmful:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.target,)


def test_case_3_a_pickle_in_it_is_never_read(tmp_path: Path) -> None:
    harm = pickle.dumps(_Harmful(tmp_path / "harm"))
    path = write_archive(tmp_path / "m.keras", weights=harm)
    assert "damaged" in _refused(path)
    path = write_archive(tmp_path / "n.keras", members={"assets/x.pkl": harm, "config.json": harm})
    assert "config.json: is no JSON" in _refused(path)
    path = write_archive(tmp_path / "o.keras", members={"assets/x.pkl": harm})
    import_keras(path, tmp_path / "fine", scale="1")
    assert not (tmp_path / "harm").exists()


def test_case_6_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = write_archive(
        tmp_path / "m.keras",
        members={"config.json": b" " * (9 << 20)},
        method=zipfile.ZIP_DEFLATED,
    )
    assert "config.json: it has 9 MiB or more; expected at most 8 MiB" in _refused(path)


def test_case_6_a_size_that_lies(tmp_path: Path) -> None:
    path = write_archive(tmp_path / "m.keras")
    content = bytearray(path.read_bytes())
    entry = content.rindex(b"PK\x01\x02")  # the weights' entry in the directory
    struct.pack_into("<I", content, entry + 24, 0xFFFF_FFF0)
    path.write_bytes(content)
    assert "refused as a bomb" in _refused(path)


@pytest.mark.parametrize("name", ["../config.json", "/config.json", "c:/config.json"])
def test_case_6_members_outside(tmp_path: Path, name: str) -> None:
    path = write_archive(tmp_path / "m.keras", members={name: b"{}"})
    assert "is not allowed in an archive" in _refused(path)


def test_too_many_members(tmp_path: Path) -> None:
    path = write_archive(tmp_path / "m.keras", members={f"assets/{n}": b"" for n in range(1000)})
    assert "1,003 members" in _refused(path)


@pytest.mark.parametrize("missing", ["config.json", "model.weights.h5"])
def test_a_member_that_is_missing(tmp_path: Path, missing: str) -> None:
    whole = write_archive(tmp_path / "whole.keras")
    with (
        zipfile.ZipFile(whole) as old,
        zipfile.ZipFile(tmp_path / "m.keras", "w") as new,
    ):
        for info in old.infolist():
            if info.filename != missing:
                new.writestr(info, old.read(info))
    assert missing in _refused(tmp_path / "m.keras")


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[" * 100_000, b'{"class_name": ' * 5000, b"\xff\xfe", b"NaN"]
)
def test_a_configuration_that_is_none(tmp_path: Path, content: bytes) -> None:
    path = write_archive(tmp_path / "m.keras", members={"config.json": content})
    _refused(path)


def test_models_in_models_without_end(tmp_path: Path) -> None:
    content = model_of(layers_of())
    for _ in range(40):
        content = model_of([content])
    assert "models in models without end" in _refused(write_archive(tmp_path / "m.keras", content))


@pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 0.5, 0.8, 0.999])
@pytest.mark.parametrize("inner", [False, True])
def test_case_1_a_file_that_is_cut_off(tmp_path: Path, share: float, inner: bool) -> None:
    whole = weights_bytes() if inner else write_archive(tmp_path / "m.keras").read_bytes()
    cut = whole[: int(len(whole) * share)]
    if inner:
        write_archive(tmp_path / "m.keras", weights=cut)
    else:
        (tmp_path / "m.keras").write_bytes(cut)
    _refused(tmp_path / "m.keras")


def test_every_byte_of_the_weights_file_may_be_wrong(tmp_path: Path) -> None:
    """A wrong byte in a number is a number; elsewhere it is a line, never another error."""
    whole = weights_bytes()
    generator = np.random.default_rng(0)
    target = tmp_path / "w.weights.h5"
    path = write_archive(tmp_path / "m.keras")
    for _ in range(30):
        broken = bytearray(whole)
        for place in generator.integers(0, len(whole), 3):
            broken[place] ^= 1 << int(generator.integers(0, 8))
        target.write_bytes(broken)
        with suppress(DataError):  # which is one line by its class
            import_keras(path, tmp_path / "out", scale="1", weights=target, force=True)


def test_what_is_no_keras_file(tmp_path: Path) -> None:
    (tmp_path / "m.keras").write_text("hello")
    assert "the file is no Keras model" in _refused(tmp_path / "m.keras")
    (tmp_path / "weights.h5").write_bytes(weights_bytes())
    assert "not with save_weights" in _refused(tmp_path / "weights.h5")
    assert "cannot be read" in _refused(tmp_path / "absent.keras")
    (tmp_path / "folder").mkdir()
    assert "a folder; expected a .keras file" in _refused(tmp_path / "folder")
    path = write_archive(tmp_path / "n.keras")
    assert "damaged" in _refused(path, weights=str(path))
