"""What is asked and what is answered: predictions, the model, its state, the page about it."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest
from in_process import CLASSES, Served
from running import numbered_png

_PREDICT = "/v1/predict"


@pytest.fixture
def served() -> Served:
    return Served()


def test_an_image_as_the_body_is_answered(served: Served) -> None:
    answer = served.ask("POST", f"{_PREDICT}?top=2", content=numbered_png(1))
    assert answer.status_code == 200
    assert answer.json() == {
        "model": "pets & more",
        "images": [
            {
                "name": None,
                "class": CLASSES[1],
                "probability": 0.5,
                "top": [
                    {"class": CLASSES[1], "probability": 0.5},
                    {"class": CLASSES[2], "probability": 0.25},
                ],
            }
        ],
    }


@pytest.mark.parametrize(
    "kind", ["image/png", "image/x-odd", "application/octet-stream", "", "IMAGE/JPEG; a=b",
             "application/x-www-form-urlencoded"]
)  # fmt: skip
def test_an_image_may_come_under_these_types(served: Served, kind: str) -> None:
    answer = served.ask("POST", _PREDICT, content=numbered_png(0), headers={"content-type": kind})
    assert answer.json()["images"][0]["class"] == "cat"


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "multipart/mixed; boundary=x"])
def test_a_body_of_another_type_is_415(served: Served, kind: str) -> None:
    answer = served.ask("POST", _PREDICT, content=b"{}", headers={"content-type": kind})
    assert answer.status_code == 415
    assert kind.partition(";")[0] in answer.json()["error"]


def test_files_are_answered_in_their_order_under_any_field(served: Served) -> None:
    files = [(f"field {at}", (f"{at}.png", numbered_png(at))) for at in (2, 0, 1)]
    images = served.ask("POST", _PREDICT, files=files, data={"note": "x"}).json()["images"]
    assert [(one["name"], one["class"]) for one in images] == [
        ("2.png", CLASSES[2]),
        ("0.png", CLASSES[0]),
        ("1.png", CLASSES[1]),
    ]


def test_a_file_that_is_no_image_is_named(served: Served) -> None:
    files = [("image", ("good.png", numbered_png(1))), ("image", ("bad.png", b"no image"))]
    answer = served.ask("POST", _PREDICT, files=files)
    assert answer.status_code == 422
    assert answer.content.count(b"\n") == 1
    assert answer.json()["error"].startswith("file 2 ('bad.png'): the file is no image")
    raw = served.ask("POST", _PREDICT, content=b"no image")
    assert raw.json()["error"].startswith("the body: the file is no image")


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", "a\nb\x1b[31m.png", '"; rm -rf /', "<script>", "写真.png", "x" * 3000,
     "C:\\x.png", "", "%2e%2e%2f"],
)  # fmt: skip
def test_hostile_file_names_are_names_and_no_more(served: Served, name: str) -> None:
    for image, status in ((numbered_png(1), 200), (b"no image", 422)):
        answer = served.ask("POST", _PREDICT, files={"image": (name, image)})
        assert answer.status_code in (status, 400)  # httpx sends no file without a name
        assert answer.headers["content-type"] == "application/json"
        assert answer.content.count(b"\n") == 1
        assert len(answer.content) < 2000
        assert b"\x1b" not in answer.content


def test_empty_and_broken_bodies_are_400(served: Served) -> None:
    form = {"content-type": "multipart/form-data; boundary=b"}
    part = b'--b\r\nContent-Disposition: form-data; name="i"; filename="i.png"\r\n\r\nx'
    for body, headers in (
        (b"", {}),
        (b"", form),
        (b"garbage", form),
        (b"--b--\r\n", form),
        (part, form),  # cut off
        (part + b"\r\n--b--\r\n", {"content-type": "multipart/form-data"}),  # no boundary
        (part + b"\r\n--b--\r\n", {"content-type": "multipart/form-data; boundary=" + "b" * 300}),
        (b"--b\r\n" + b"A: b\r\n" * 1000 + b"\r\nx\r\n--b--\r\n", form),
        (b"--b\r\nA: " + b"b" * 100_000 + b"\r\n\r\nx\r\n--b--\r\n", form),
    ):
        answer = served.ask("POST", _PREDICT, content=body, headers=headers)
        assert answer.status_code == 400, body[:50]
        assert list(answer.json()) == ["error"]


def test_more_files_than_allowed_are_413() -> None:
    served = Served(max_files=2)
    files = [("image", (f"{at}.png", numbered_png(at))) for at in range(3)]
    assert served.ask("POST", _PREDICT, files=files[:2]).status_code == 200
    assert served.ask("POST", _PREDICT, files=files).status_code == 413


@pytest.mark.parametrize("top", ["0", "-1", "101", "many", "1.5", "", "1e3"])
def test_a_top_out_of_range_is_422(served: Served, top: str) -> None:
    answer = served.ask("POST", f"{_PREDICT}?top={top}", content=numbered_png(0))
    assert answer.status_code == 422
    assert answer.json()["error"].startswith("top: ")


def test_a_full_queue_is_503_before_the_body_is_looked_at(served: Served) -> None:
    served.predictor.full = True
    answer = served.ask("POST", _PREDICT, content=b"no image")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


def test_the_model_is_told(served: Served) -> None:
    told = served.ask("GET", "/v1/model").json()
    assert told["classes"] == list(CLASSES)
    assert (told["name"], told["input_shape"]) == ("pets & more", [4, 4, 3])
    assert (told["temperature"], told["engine"]) == (1.5, "stub")
    assert told["origin"] == {"run": "pets"}


def test_readiness_is_told(served: Served) -> None:
    assert served.ask("GET", "/readyz").json() == {"ready": True}
    served.predictor.ready = False
    answer = served.ask("GET", "/readyz")
    assert (answer.status_code, answer.json()) == (503, {"ready": False})
    assert served.ask("GET", "/healthz").status_code == 200


class _Links(HTMLParser):
    """What a page asks a browser to load, and the tags that it has."""

    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.targets += [value or "" for name, value in attrs if name in ("src", "href", "action")]


def test_the_page_needs_no_other_host_and_no_script(served: Served) -> None:
    page = served.ask("GET", "/docs")
    found = _Links()
    found.feed(page.text)
    assert found.targets == ["v1/predict", "openapi.json"]
    assert "script" not in found.tags
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text
    assert "url(" not in page.text
    for path in ("/v1/predict", "/v1/model", "/healthz", "/readyz", "/metrics"):
        assert f" {path}</code>" in page.text
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")


def test_the_page_s_policy_lets_its_own_style_in(served: Served) -> None:
    import base64
    import hashlib

    page = served.ask("GET", "/docs")
    style = re.search(r"<style>(.*?)</style>", page.text, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"'sha256-{digest}'" in page.headers["content-security-policy"]


def test_the_description_names_every_answer(served: Served) -> None:
    told = served.ask("GET", "/openapi.json").json()
    assert set(told["paths"]) == {"/v1/predict", "/v1/model", "/healthz", "/readyz", "/metrics"}
    predict = told["paths"]["/v1/predict"]["post"]
    assert {"200", "400", "401", "408", "413", "415", "421", "422", "503"} <= set(
        predict["responses"]
    )
    assert "multipart/form-data" in predict["requestBody"]["content"]
    assert json.dumps(told).count("http") == 0  # nothing that leads elsewhere
