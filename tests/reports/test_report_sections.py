"""Each registered section is run because it is registered."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from report_blocks import build, said, tables

import cnnlab.reports.sections
from cnnlab.metrics import wilson_interval
from cnnlab.reports.document import (
    Block,
    Document,
    Figure,
    Heading,
    Note,
    Paragraph,
)
from cnnlab.reports.record import RunRecord, records_of
from cnnlab.reports.section import SECTIONS
from cnnlab.runs import Predictions, Run

MakeRun = Callable[..., Run]
BlocksOf = Callable[[str], list[Block]]


#: Of one run, of a run whose robustness was not measured, and where the author wrote nothing,
#: these say nothing.
OPTIONAL = ("comparison", "robustness", "introduction", "discussion", "references")


@pytest.fixture(scope="module")
def finished(make_run: MakeRun) -> Run:
    return make_run("finished", stages=(2, 3), inner=True)


@pytest.fixture(scope="module")
def blocks_of(finished: Run) -> BlocksOf:
    """A section of ``finished``, built once."""
    return cache(lambda name: build(name, finished))


@pytest.fixture(scope="module")
def interrupted(make_run: MakeRun) -> Run:
    return make_run("interrupted", stages=(2,), evaluated=(), status=None)


@pytest.fixture(scope="module")
def not_begun(make_run: MakeRun) -> Run:
    return make_run("not-begun", stages=(), evaluated=(), status=None)


@pytest.mark.parametrize("name", list(SECTIONS))
def test_every_section_has_something_to_say_of_a_finished_run(
    name: str, blocks_of: BlocksOf
) -> None:
    blocks = blocks_of(name)
    assert bool(blocks) == (name not in OPTIONAL)
    assert all(block.caption for block in tables(blocks))


@pytest.mark.parametrize("name", list(SECTIONS))
def test_every_section_manages_with_what_is_there(
    name: str, interrupted: Run, not_begun: Run
) -> None:
    for runs in ([interrupted], [not_begun], [interrupted, not_begun]):
        blocks = build(name, *runs)
        assert blocks or (name in OPTIONAL and (name != "comparison" or len(runs) == 1))


def test_every_file_of_the_folder_is_registered() -> None:
    (folder,) = cnnlab.reports.sections.__path__
    files = {path.stem for path in Path(folder).glob("*.py") if path.name != "__init__.py"}
    made_by = {SECTIONS.get(name).build.__module__.rpartition(".")[2] for name in SECTIONS}
    assert made_by == files
    assert len(SECTIONS) == 21


def test_sections_stand_in_their_order(document: Document) -> None:
    orders = [SECTIONS.get(name).order for name in SECTIONS]
    assert len(set(orders)) == len(orders)
    by_order = sorted(map(SECTIONS.get, SECTIONS), key=lambda entry: entry.order)
    headings = [b.text for b in document.blocks if isinstance(b, Heading) and b.level == 2]
    optional = [SECTIONS.get(name).title for name in OPTIONAL]
    assert headings == [entry.title for entry in by_order if entry.title not in optional]


def test_every_accuracy_of_the_summary_has_its_interval_and_n(blocks_of: BlocksOf) -> None:
    text = said(blocks_of("summary"))
    assert re.search(r"validation accuracy: \d+\.\d\d%, 95% interval .* n = 200", text)
    assert re.search(r"test accuracy: \d+\.\d\d%, 95% interval .* n = 100", text)


@pytest.mark.parametrize(
    ("right", "verdict", "sure"),
    [
        (1.0, "Met", "lies above the goal"),
        (0.2, "Not met", "lies below the goal"),
        (0.73, "", "includes the goal, so these images do not settle it"),
    ],
)
def test_the_goal_is_judged_with_its_uncertainty(
    make_run: MakeRun, right: float, verdict: str, sure: str
) -> None:
    text = said(build("summary", make_run("goal", right=right)))
    assert "Goal: an accuracy better than 75%." in text
    assert f"{verdict} by goal on the test images: " in text
    assert sure in text


@pytest.mark.parametrize("dataset", ["Fashion-MNIST", "CIFAR-100"])
def test_the_goal_is_not_held_against_other_data(make_run: MakeRun, dataset: str) -> None:
    assert "Goal" not in said(build("summary", make_run("other", dataset=dataset)))


def test_an_unfinished_training_is_said(interrupted: Run, make_run: MakeRun) -> None:
    assert "has not ended" in said(
        [b for b in build("summary", interrupted) if isinstance(b, Note)]
    )
    failed = make_run("failed", status="failed", evaluated=())
    assert "did not finish (failed): the loss is nan" in said(build("summary", failed))


def test_missing_predictions_name_the_command_that_makes_them(interrupted: Run) -> None:
    for name in ("confusion", "per-class"):
        text = said(build(name, interrupted))
        assert f"cnnlab evaluate {interrupted.path} --split validation" in text


def test_the_layer_table_is_keras_s(finished: Run, blocks_of: BlocksOf) -> None:
    layers = tables(blocks_of("architecture"))[0]
    summary = finished.architecture_summary
    assert [row[0] for row in layers.rows] == [
        f"{layer['name']} ({layer['type']})" for layer in summary["layers"]
    ]
    assert sum(int(row[2].replace(",", "")) for row in layers.rows) == summary["total_params"]
    assert layers.rows[0][1] == "(None, 32, 32, 64)"


def test_the_split_and_the_fingerprint_are_said(blocks_of: BlocksOf) -> None:
    facts, split = tables(blocks_of("data"))
    assert ("fingerprint", "0123456789abcdef" * 4) in facts.rows
    assert [row[:2] for row in split.rows] == [
        ("train", "400"),
        ("validation", "200"),
        ("test", "100"),
    ]


def test_the_set_up_says_why_device_and_precision_were_chosen(blocks_of: BlocksOf) -> None:
    machine, settings = tables(blocks_of("training-setup"))
    assert ("precision", "fp32 (this processor does not compute in bf16)") in machine.rows
    assert ("training.batch_size", "128") in settings.rows
    assert "cnnlab train --config" in said(blocks_of("training-setup"))


def test_settings_of_several_runs_stand_side_by_side(make_run: MakeRun) -> None:
    runs = [make_run("one"), make_run("two", model="model-b")]
    _, differing, shared = tables(build("training-setup", *runs))
    assert differing.header == ("Setting", "one", "two")
    assert differing.rows == (("name", "one", "two"), ("model.name", "model-c", "model-b"))
    assert ("training.batch_size", "128") in shared.rows


def test_the_curves_have_a_row_a_stage(blocks_of: BlocksOf) -> None:
    blocks = blocks_of("learning-curves")
    (table,) = tables(blocks)
    assert [row[:2] for row in table.rows] == [("1", "2"), ("2", "3")]
    assert "inner validation loss" in table.header
    assert "stage 2, epoch 3" in said(blocks)


def test_confusion_is_shown_with_its_axes_named(finished: Run, blocks_of: BlocksOf) -> None:
    blocks = blocks_of("confusion")
    (figure,) = (block for block in blocks if isinstance(block, Figure))
    assert "Rows are true classes, columns are predicted classes" in figure.caption
    counts, shares = tables(blocks)[1:3]
    assert shares.header == counts.header
    assert counts.header[0] == "True class \\ predicted"
    evaluated = finished.predictions("validation")
    assert evaluated is not None
    by_hand = sum(int(row[position + 1]) for position, row in enumerate(counts.rows))
    assert by_hand == int((evaluated.classes == evaluated.labels).sum())


def test_the_most_frequent_mistakes_come_first(blocks_of: BlocksOf) -> None:
    mistakes = tables(blocks_of("confusion"))[3]
    counts = [int(row[2]) for row in mistakes.rows]
    assert counts == sorted(counts, reverse=True)
    assert all(row[0] != row[1] for row in mistakes.rows)


def test_no_mistake_at_all_is_said(make_run: MakeRun) -> None:
    text = said(build("confusion", make_run("perfect", right=1.0)))
    assert "No validation image was classified wrongly." in text


def test_a_thousand_classes_have_no_table_of_counts(make_run: MakeRun) -> None:
    names = [f"n{i:04d}" for i in range(1000)]
    run = make_run("thousand", names=names, sizes=(2, 500, 0), evaluated=("validation",))
    assert max(len(table.header) for table in tables(build("confusion", run))) < 10
    text = said(build("per-class", run))
    assert "Without an image in this split, so recall is set to 0: n0500" in text
    assert "480 more" in text


def test_zeros_that_are_no_measurement_are_named(make_run: MakeRun) -> None:
    run = make_run("absent", evaluated=())
    rows = np.array(run.split["validation"])
    logits = np.zeros((len(rows), 10), np.float32)  # ties: the first class is always predicted
    run.save_predictions("validation", Predictions(logits, rows % 3, rows))
    text = said(build("per-class", run))
    assert "Never predicted, so precision is set to 0: automobile, bird" in text
    assert "so recall is set to 0: cat, deer" in text


def test_the_ledger_tells_how_often_test_was_opened(make_run: MakeRun) -> None:
    run = make_run("opened")
    assert "were opened once." in said(build("test", run))
    run.append("ledger.jsonl", run.ledger[0])
    text = said(build("test", run))
    low, high = wilson_interval(round(100 * run.ledger[0]["top1"]), 100)
    assert f"{100 * low:.2f}% to {100 * high:.2f}%" in text
    assert "were opened 2 times." in text
    assert text.count("cnnlab evaluate opened --split test") == 2


def test_sealed_test_images_are_said_to_be_sealed(make_run: MakeRun) -> None:
    run = make_run("sealed", evaluated=("validation",))
    assert "have not been opened" in said(build("test", run))
    assert not any(isinstance(block, Figure) for block in build("test", run))


def test_a_ledger_and_predictions_that_disagree_are_noted(make_run: MakeRun) -> None:
    run = make_run("disagree")
    (run.path / "ledger.jsonl").unlink()
    assert "its ledger says nothing" in said(build("test", run))
    other = make_run("lost")
    (other.path / "predictions" / "test.npz").unlink()
    assert "has no saved test predictions" in said(build("test", other))


def test_resources_without_a_sensor_or_a_record(make_run: MakeRun, not_begun: Run) -> None:
    text = said(build("resources", make_run("cold", temperature=None)))
    assert "no sensor on this machine" in text
    assert "no record of the machine's load" in said(build("resources", not_begun))


def test_comparison_shows_the_table_the_chart_and_the_verdict(
    finished: Run, make_run: MakeRun
) -> None:
    blocks = build("comparison", finished, make_run("worse", right=0.3, evaluated=("validation",)))
    accuracies, cost = tables(blocks)
    assert accuracies.header[:4] == ("Run", "Train", "Inner validation", "Validation")
    assert accuracies.header[-1] == "Key features"
    assert not [t for t in tables(blocks) if t.header[0] == "Recipe"]
    assert cost.header == ("Run", "Parameters", "Epochs", "Training time", "Images/s")
    assert accuracies.rows[1][2] == "-"  # it held nothing out inside the fit
    text = said(blocks)
    assert "finished is better than worse by" in text
    assert re.search(r"worse \d+\.\d\d% on validation", text)


def test_runs_that_share_data_and_network_are_described_once(make_run: MakeRun) -> None:
    runs = [make_run("one"), make_run("two")]
    for name in ("data", "architecture"):
        blocks = build(name, *runs)
        assert blocks[0] == Paragraph("The same for all runs of this report.")
        assert len(tables(blocks)) == 2
    third = make_run("three", model="model-b")
    headings = [
        block.text for block in build("architecture", *runs, third) if isinstance(block, Heading)
    ]
    assert headings == ["one and two", "three"]


def test_runs_of_one_name_are_told_apart(make_run: MakeRun) -> None:
    first, second = make_run("same"), make_run("same")
    records = records_of([first, second, first])
    assert [record.label for record in records] == [str(first.path), str(second.path)]
    assert [record.slug for record in records] == ["same", "same-2"]


def test_predictions_are_scored_once(finished: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    record = RunRecord(finished, "finished", "finished")
    first = record.evaluation("validation")
    monkeypatch.setattr("cnnlab.reports.record.evaluation_of", None)
    assert record.evaluation("validation") is first
