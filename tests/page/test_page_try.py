"""Images that are tried: the answers of the network itself; what is no image says so."""

from __future__ import annotations

import base64
import html
import io
import re
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from page_runs import Visitor, seen
from PIL import Image

from cnnlab.bundle import bundle_of
from cnnlab.data.images import probe_image
from cnnlab.errors import DataError
from cnnlab.page import trials
from cnnlab.runs import open_run


def png(pixels: np.ndarray) -> bytes:
    """The pixels as a PNG file."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "png")
    return stream.getvalue()


def bomb(side: int = 50_000) -> bytes:
    """A PNG of a few bytes that says it is 50,000 x 50,000."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checked = kind + content
        return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    data = zlib.compress(bytes(1000))
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def ask(look: Visitor, files: list[tuple[str, bytes]], run: str = "first"):
    """Send files as the form does."""
    parts = [("image", (name, content, "image/png")) for name, content in files]
    return look.post("/try", data={"token": look.token, "run": run}, files=parts)


@pytest.fixture
def picture() -> np.ndarray:
    """One image of the size that the network takes."""
    return np.random.default_rng(3).integers(0, 256, (12, 12, 3), dtype=np.uint8)


def test_the_answer_is_the_networks(look: Visitor, kept: Path, picture: np.ndarray) -> None:
    bundle = bundle_of(open_run(kept / "first"))
    shares = bundle.probabilities(bundle.logits(picture[None]))[0]
    answer = ask(look, [("mine.png", png(picture))])
    assert answer.status_code == 200
    named = re.findall(r'share-name">([^<]+)<.*?share-value">([\d.]+)%', answer.text)
    expected = sorted(zip(shares, bundle.class_names, strict=True), reverse=True)
    assert [(html.unescape(name), float(share)) for name, share in named] == [
        (name, round(100 * share, 1)) for share, name in expected
    ]
    assert "mine.png" in seen(answer.text)


def test_an_image_is_answered_as_it_is_in_the_list_of_its_class(look: Visitor, kept: Path) -> None:
    run = open_run(kept / "first")
    assert run.temperature != pytest.approx(1, abs=0.05)
    page = look.get("/runs/first/hardest").text
    row, sure = re.findall(r"/images/\w+/(\d+)\.png.*?([\d.]+)% sure", page)[0]
    answer = ask(look, [("same.png", png(run.open_dataset().images[int(row)]))])
    assert f'share-value">{sure}%' in answer.text


def test_what_the_network_sees_is_what_is_shown(look: Visitor, picture: np.ndarray) -> None:
    page = ask(look, [("x.png", png(picture))]).text
    found = re.search(r'src="data:image/png;base64,([^"]+)"', page)
    assert found is not None
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(found[1]))))
    np.testing.assert_array_equal(shown[::16, ::16], picture)


def test_what_is_no_image_says_so_and_the_others_are_answered(
    look: Visitor, picture: np.ndarray
) -> None:
    files = [("notes.txt", b"text"), ("cut.png", png(picture)[:60]), ("good.png", png(picture))]
    page = ask(look, files).text
    assert page.count('class="note bad"') == 2
    assert page.count('<ol class="shares">') == 1


def test_a_giant_is_refused_before_it_is_decoded(
    look: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case 25: 50,000 x 50,000 pixels, and one file over its limit."""
    monkeypatch.setattr(trials.Bundle, "read_image", pytest.fail)
    for name, side in (("giant.png", 50_000), ("large.png", 8000)):
        assert "more than 50,000,000 pixels" in seen(ask(look, [(name, bomb(side))]).text)
    monkeypatch.setattr(trials, "MAX_FILE_BYTES", 10)
    answer = ask(look, [("long.png", bytes(11))])
    assert "the file has more than" in seen(answer.text)


def test_what_was_expected_is_said(look: Visitor) -> None:
    said = seen(ask(look, [("notes.txt", b"text")]).text)
    with pytest.raises(DataError) as caught:
        probe_image(b"text", "notes.txt")
    assert caught.value.expected
    assert f"{caught.value.what}; expected {caught.value.expected}" in said


def test_a_form_without_images_or_with_too_many_is_refused(
    look: Visitor, picture: np.ndarray
) -> None:
    assert look.post("/try", data={"token": look.token, "run": "first"}).status_code == 422
    many = [(f"{n}.png", png(picture)) for n in range(trials.MAX_FILES + 1)]
    assert ask(look, many).status_code == 400
    assert ask(look, [("x.png", png(picture))], run="nobody").status_code == 404


def test_a_file_may_be_called_anything(look: Visitor, picture: np.ndarray) -> None:
    name = "<script>alert(1)</script>\u202e../../x.png"
    page = ask(look, [(name, png(picture))]).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_a_run_without_weights_says_what_to_do(
    visit: Visitor, runs: Path, picture: np.ndarray
) -> None:
    (runs / "second" / "checkpoints" / "best.safetensors").unlink()
    answer = ask(visit, [("x.png", png(picture))], run="second")
    assert answer.status_code == 409
    assert "cnnlab train --resume" in seen(answer.text)
    assert 'value="second"' not in visit.get("/try").text


@pytest.mark.parametrize(("method", "place"), [("grad_cam", 1), ("layer_cam", 2)])
def test_the_maps_are_shown_under_the_likeliest_class(
    look: Visitor,
    kept: Path,
    picture: np.ndarray,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    place: int,
) -> None:
    asked = []

    def corner(bundle, image, class_index):
        """As if the upper left corner were what counts."""
        np.testing.assert_array_equal(image, picture)
        asked.append(class_index)
        heat = np.zeros((12, 12), dtype=np.float32)
        heat[:6, :6] = 1
        return heat

    monkeypatch.setattr(trials, method, corner)
    page = ask(look, [("x.png", png(picture))]).text
    images = re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    bundle = bundle_of(open_run(kept / "first"))
    assert asked == [int(bundle.logits(picture[None])[0].argmax())]
    assert len(images) == 3
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(images[place])))).astype(int)
    warm, cold = shown[:48, :48].reshape(-1, 3).mean(0), shown[-48:, -48:].reshape(-1, 3).mean(0)
    assert warm[1] - warm[2] > 60, "the lit corner is yellow"
    assert cold[2] - cold[1] > 20, "the others are violet"
