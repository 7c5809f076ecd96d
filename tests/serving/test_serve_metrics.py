"""The text for Prometheus, read back by a parser of its own."""

from __future__ import annotations

import re

import pytest
from in_process import Served
from running import numbered_png

from cnnlab.serving.metrics import Counter, Gauge, Histogram, Metrics

_SAMPLE = re.compile(r'([a-z_]+)(?:\{((?:[a-z]+="(?:[^"\\]|\\.)*",?)*)\})? (\S+)')


def _samples(text: str) -> dict[tuple[str, str], float]:
    """Of every line that is no comment; AssertionError for what is none of both."""
    found = {}
    for line in text.splitlines():
        if line.startswith(("# HELP ", "# TYPE ")):
            continue
        match = _SAMPLE.fullmatch(line)
        assert match, line
        found[match[1], match[2] or ""] = float(match[3])
    return found


def test_a_histogram_s_buckets_hold_those_before_them() -> None:
    histogram = Histogram("h", "told", (1, 2, 5))
    for value in (0.5, 1, 1.5, 5, 7):  # a bound belongs to its own bucket
        histogram.observe(value)
    samples = _samples("\n".join(histogram.lines()))
    assert [samples["h_bucket", f'le="{edge}"'] for edge in ("1", "2", "5", "+Inf")] == [2, 3, 4, 5]
    assert samples["h_sum", ""] == pytest.approx(15)
    assert samples["h_count", ""] == 5


def test_labels_of_any_value_stay_within_their_quotes() -> None:
    counter = Counter("c", "told", ("label",))
    counter.add('a"b\\c\nd')
    (line,) = counter.lines()
    assert line == 'c{label="a\\"b\\\\c\\nd"} 1'


def test_large_numbers_keep_their_digits() -> None:
    counter = Counter("c", "told")
    counter.add(by=123_456_789)
    assert [*counter.lines()] == ["c 123456789"]
    assert [*Gauge("g", "told", lambda: 123_456_789.0).lines()] == ["g 123456789"]


def test_requests_images_and_times_are_counted() -> None:
    served = Served()
    served.ask("POST", "/v1/predict", files=[("i", ("1.png", numbered_png(1)))] * 3)
    served.ask("POST", "/v1/predict", content=b"no image")
    for _ in range(2):
        served.ask("GET", "/made/up/path")
        served.ask("BREW", "/v1/predict")
    answer = served.ask("GET", "/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    samples = _samples(answer.text)
    counted = {labels: value for (name, labels), value in samples.items() if "requests" in name}
    assert counted == {
        'method="POST",path="/v1/predict",code="200"': 1,
        'method="POST",path="/v1/predict",code="422"': 1,
        'method="other",path="other",code="404"': 2,
        'method="other",path="/v1/predict",code="405"': 2,
    }
    assert samples["cnnlab_images_total", ""] == 3
    assert samples["cnnlab_predict_seconds_count", ""] == 4


def test_every_family_is_declared_once_before_its_samples() -> None:
    metrics = Metrics()
    metrics.gauge("cnnlab_ready", "Whether.", lambda: 1.0)
    lines = metrics.text().splitlines()
    declared = [line.split()[2] for line in lines if line.startswith("# TYPE ")]
    assert len(declared) == len(set(declared))
    assert "cnnlab_ready" in declared
    current = ""
    for line in lines:
        if line.startswith("# TYPE "):
            current = line.split()[2]
        elif not line.startswith("#"):
            assert line.startswith(current)
