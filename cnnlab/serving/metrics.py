"""Counters, gauges and histograms in the text form that Prometheus reads (version 0.0.4)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence

__all__ = ["CONTENT_TYPE", "Counter", "Gauge", "Histogram", "Metrics"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_IMAGES = (1, 2, 4, 8, 16, 32, 64, 128, 256)


def _labels(pairs: Sequence[tuple[str, str]]) -> str:
    said = ",".join(f'{name}="{_escaped(value)}"' for name, value in pairs)
    return f"{{{said}}}" if said else ""


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


class Counter:
    """Only grows; one number for each combination of the labels' values."""

    kind = "counter"

    def __init__(self, name: str, told: str, labels: Sequence[str] = ()) -> None:
        self.name, self.told, self._labels = name, told, tuple(labels)
        self.values: dict[tuple[str, ...], float] = {} if labels else {(): 0}

    def add(self, *values: str, by: float = 1) -> None:
        """Count ``by`` for these values of the labels."""
        self.values[values] = self.values.get(values, 0) + by

    def lines(self) -> Iterator[str]:
        """The samples."""
        for values, number in sorted(self.values.items()):
            pairs = list(zip(self._labels, values, strict=True))
            yield f"{self.name}{_labels(pairs)} {number:.17g}"


class Gauge:
    """What ``read`` says when it is asked."""

    kind = "gauge"

    def __init__(self, name: str, told: str, read: Callable[[], float]) -> None:
        self.name, self.told, self._read = name, told, read

    def lines(self) -> Iterator[str]:
        """The sample."""
        yield f"{self.name} {self._read():.17g}"


class Histogram:
    """How many values were at most so large; ``bounds`` in rising order."""

    kind = "histogram"

    def __init__(self, name: str, told: str, bounds: Sequence[float]) -> None:
        self.name, self.told, self._bounds = name, told, tuple(bounds)
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        """Count a value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def lines(self) -> Iterator[str]:
        """The samples: each bucket holds those before it."""
        total = 0
        for bound, count in zip((*self._bounds, None), self._counts, strict=True):
            total += count
            edge = "+Inf" if bound is None else f"{bound:g}"
            yield f'{self.name}_bucket{{le="{edge}"}} {total}'
        yield f"{self.name}_sum {self._sum:.17g}"
        yield f"{self.name}_count {total}"


class Metrics:
    """Everything that the server tells about itself."""

    def __init__(self) -> None:
        self.requests = Counter(
            "cnnlab_requests_total", "Requests answered.", ("method", "path", "code")
        )
        self.images = Counter("cnnlab_images_total", "Images that were given an answer.")
        self.closed = Counter(
            "cnnlab_connections_closed_total", "Connections that were cut off.", ("reason",)
        )
        self.seconds = Histogram(
            "cnnlab_predict_seconds", "From a request's head to its answer.", _SECONDS
        )
        self.model_batch = Histogram("cnnlab_batch_images", "Images of a batch.", _IMAGES)
        self.model_seconds = Histogram(
            "cnnlab_batch_seconds", "From a batch to the model to its answer.", _SECONDS
        )
        self.decode_seconds = Histogram(
            "cnnlab_decode_seconds", "From files to a decoder to their pixels.", _SECONDS
        )
        self._gauges: list[Gauge] = []

    def gauge(self, name: str, told: str, read: Callable[[], float]) -> None:
        """Tell what ``read`` says, too."""
        self._gauges.append(Gauge(name, told, read))

    def text(self) -> str:
        """All of it."""
        everything: list[Counter | Gauge | Histogram] = [
            *(self.requests, self.images, self.closed, self.seconds),
            *(self.model_batch, self.model_seconds, self.decode_seconds),
            *self._gauges,
        ]
        lines: list[str] = []
        for each in everything:
            lines += [f"# HELP {each.name} {each.told}", f"# TYPE {each.name} {each.kind}"]
            lines += each.lines()
        return "\n".join(lines) + "\n"
