import json
from pathlib import Path

import pytest

from cnnlab.data import SOURCES, bringing
from cnnlab.errors import DataError, DownloadError
from cnnlab.workflows.quickstart import choose_data, quickstart


class FakeSource:
    """A source that is found, fetched or neither, as the test says."""

    def __init__(self, title, *, found=None, fetched=None):
        self.title, self.found, self.fetched = title, found, fetched
        self.limits = []

    def find(self):
        return self.found

    def fetch(self, say, *, time_limit_seconds=None):
        self.limits.append(time_limit_seconds)
        if self.fetched is None:
            raise DownloadError("no mirror answers", todo=f"cnnlab data fetch {self.title}")
        return self.fetched


class Here:
    path = Path("/some/where")


@pytest.fixture
def damaged():
    """The names of data sets whose files cannot be decoded."""
    return set()


@pytest.fixture
def sources(monkeypatch, damaged):
    """Replace what is on this machine."""

    def decode(name, **options):
        if name in damaged:
            raise DataError("the file is damaged", where=Here.path)

    monkeypatch.setattr(bringing, "open_dataset", decode)

    def replace(**entries):
        real = SOURCES.get
        fakes = {
            name: FakeSource(name) for name in ("cifar10", "cifar10-jpeg", "fashion-mnist")
        } | {name.replace("_", "-"): fake for name, fake in entries.items()}
        monkeypatch.setattr(SOURCES, "get", lambda name: fakes.get(name) or real(name))
        return fakes

    return replace


@pytest.mark.parametrize(
    ("entries", "chosen", "said"),
    [
        ({"cifar10": {"found": Here}}, "cifar10", "CIFAR, found at /some/where"),
        ({"cifar10_jpeg": {"found": Here}}, "cifar10-jpeg", "found at"),
        (
            {"cifar10": {"fetched": Here}, "fashion_mnist": {"found": Here}},
            "cifar10",
            "CIFAR, downloaded",
        ),
        ({"fashion_mnist": {"found": Here}}, "fashion-mnist", "found at"),
        ({"fashion_mnist": {"fetched": Here}}, "fashion-mnist", "downloaded"),
        ({}, "digits", "for it comes with scikit-learn"),
    ],
)
def test_the_best_data_that_can_be_had_is_taken_and_said(sources, entries, chosen, said):
    sources(**{name: FakeSource("CIFAR", **values) for name, values in entries.items()})
    lines = []
    assert choose_data(lines.append) == chosen
    assert said in lines[-1]
    assert all(line.startswith("data: ") for line in lines)


def test_a_download_gets_a_minute_and_a_failed_one_says_what_to_type(sources):
    fakes = sources()
    lines = []
    choose_data(lines.append)
    assert fakes["cifar10"].limits == [60.0]
    assert "cnnlab data fetch cifar10" in "\n".join(lines)


def test_after_a_damaged_file_comes_the_next_best_data(sources, damaged):
    damaged.add("cifar10")
    sources(cifar10=FakeSource("CIFAR", found=Here), fashion_mnist=FakeSource("F", found=Here))
    lines = []
    assert choose_data(lines.append) == "fashion-mnist"
    assert "data: not CIFAR: /some/where: the file is damaged; replace /some/where" in lines[0]


def test_a_folder_of_archives_that_is_none_leaves_the_digits(monkeypatch, tmp_path):
    monkeypatch.setenv("CNNLAB_DATA", str(tmp_path / "none"))
    lines = []
    assert choose_data(lines.append) == "digits"
    assert "CNNLAB_DATA does not name a folder" in lines[0]


def test_quickstart_trains_evaluates_and_reports(images, tmp_path):
    """On a small folder; each opening of test stands in the ledger."""
    done = quickstart(data=str(images), budget_seconds=2.0, runs=tmp_path / "runs")
    said = done.to_dict()
    assert {"dataset", "run", "report", "validation", "test"} <= set(said)
    assert json.loads(json.dumps(said)) == said
    assert done.report.exists()
    assert (done.run.path / "report.md").exists()
    (entry,) = done.run.ledger
    assert entry["command"] == "cnnlab quickstart"
    assert entry["top1"] == said["test"]["top1"]
    text = done.to_text()
    assert str(done.report.resolve()) in text
    assert "next:" in text
