"""The document of the report's experiments, on run directories made without training."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from statsmodels.stats.multitest import multipletests

from cnnlab.errors import InputError, RunError
from cnnlab.models import report_figures
from cnnlab.reports.document import Heading, ItemList, Note, Paragraph, Table
from cnnlab.reports.markdown import render_markdown
from cnnlab.reports.reproduction import build_reproduction, subjects_of
from cnnlab.reports.reproduction.findings import confusion_of, pair_findings
from cnnlab.reports.reproduction.subject import primary_subjects
from cnnlab.workflows.configure import configure


@pytest.fixture(scope="module")
def trained(make_run):
    """Make a run of a zoo model, trained as its own file says unless told otherwise."""

    def make(model, **options):
        settings = {"name": model, "model": {"name": model}, **options.pop("settings", {})}
        evaluated = options.pop("evaluated", ("validation",))
        config = configure(settings=settings)
        name = options.pop("name", model)
        return make_run(name, model=model, config=config, evaluated=evaluated, **options)

    return make


@pytest.fixture(scope="module")
def runs(trained):
    """B at 32 and at 1, D unfinished, F with test; F and B ahead as in the report."""
    other = {"training": {"batch_size": 32}}
    return [
        trained("model-b", stages=(3, 2, 4, 1), inner=True, right=0.6),
        trained(
            "model-b", name="other", stages=(1, 1, 1, 1), inner=True, right=0.6, settings=other
        ),
        trained("model-d", stages=(2,), inner=True, right=0.6, status=None),
        trained("model-f", stages=(9,), inner=True, right=0.9, evaluated=("validation", "test")),
    ]


@pytest.fixture(scope="module")
def document(runs):
    return build_reproduction(runs, missing=["model E: not trained yet"], command=["cnnlab", "x"])


def tables(document, start):
    return [b for b in document.blocks if isinstance(b, Table) and b.caption.startswith(start)]


def texts(document, kind):
    return [block.text for block in document.blocks if isinstance(block, kind)]


def test_every_run_has_a_chapter_and_a_variant_only_what_is_its_own(document):
    chapters = [b.text for b in document.blocks if isinstance(b, Heading) and b.level == 2]
    assert chapters[2:6] == ["Model B", "Model B, batches of 32", "Model D", "Model F"]
    assert texts(document, Heading).count("Layers") == 3


def test_report_and_measurement_stand_side_by_side(document, runs):
    (table, again) = tables(document, "Accuracies, the report's | as measured")
    assert table == again
    rows = {row[0]: row for row in table.rows}
    predictions = runs[3].predictions("validation")
    right = 100 * (predictions.classes == predictions.labels).mean()
    assert rows["Model F"][3] == f"78.76% | {right:.2f}%"
    assert rows["Model F"][1].startswith("91.38% | ")
    assert rows["Model B"][2].startswith("64.95% | ")
    matrix = np.array(report_figures()["models"]["model-b"]["validation_confusion_matrix"])
    assert rows["Model B"][3].startswith(f"{100 * matrix.trace() / matrix.sum():.2f}% | ")


def test_what_is_missing_or_unfinished_is_said(document):
    notes = texts(document, Note)
    assert "Not all is here yet: model E: not trained yet." in notes
    assert any(note.startswith("Training of Model D has not ended") for note in notes)


def test_known_differences_are_listed(runs):
    _, variant, _, _ = subjects_of(runs)
    assert "training.batch_size: 32; the report: 1" in variant.deviations
    assert "train images: 400; the report: 40,000" in variant.deviations
    assert not [line for line in variant.deviations if line.startswith("images:")]


def test_sources_of_every_setting_are_marked(document):
    table = tables(document, "How the report built and trained model F")[0]
    marks = {row[0]: row[2] for row in table.rows}
    assert marks["optimizer.lr"] == "stated"
    assert marks["training.inner_validation"] == "inferred"
    assert marks["training.epochs"] == "assumed"
    assumed = tables(document, "What was assumed")[0]
    assert ["training.early_stopping.patience", "3", "B, D"] in [list(r[:3]) for r in assumed.rows]


def test_the_layer_table_is_checked_against_the_reports(document):
    same = [text for text in texts(document, Paragraph) if "are those of the report" in text]
    assert len(same) == 3
    assert "all 22 layers, and the total of 1,707,274 parameters" in same[2]


def test_conclusions_are_computed(document, runs):
    table = tables(document, "Each pair on the same 200 validation images")[0]
    rows = {row[0]: row for row in table.rows}
    assert list(rows) == ["F ahead of B", "F ahead of D", "B ahead of D"]
    assert rows["F ahead of B"][-1] == "holds"
    assert rows["B ahead of D"][1] == "+31.98"
    assert rows["B ahead of D"][-1] == "no detectable difference"
    goal = [text for text in texts(document, Paragraph) if text.startswith("The report's goal")]
    assert "is met by Model F" in goal[0]
    assert "on the test images" in goal[0]


def test_what_else_differs_is_said_of_neighbours(trained):
    runs = [trained(f"model-{letter}", name=f"n-{letter}") for letter in "cef"]
    items = [
        item for b in build_reproduction(runs).blocks if isinstance(b, ItemList) for item in b.items
    ]
    f_and_e = next(item for item in items if item.startswith("F and E "))
    assert "differ in their layers alone; so, but for chance" in f_and_e
    e_and_c = next(item for item in items if item.startswith("E and C "))
    for setting in ("training.mode", "training.batch_size", "optimizer.name", "optimizer.lr"):
        assert setting in e_and_c
    assert "all of these together" in e_and_c


def test_p_values_are_adjusted_for_the_number_of_pairs(runs):
    findings = pair_findings(primary_subjects(subjects_of(runs)))
    expected = multipletests([found.measured.p_value for found in findings], method="holm")[1]
    assert [found.p_adjusted for found in findings] == pytest.approx(list(expected))


def test_an_order_that_turned_round_is_called_reversed(trained):
    runs = [trained("model-f", right=0.3), trained("model-d", right=0.95)]
    (finding,) = pair_findings(subjects_of(runs))
    assert (finding.a.letter, finding.b.letter) == ("F", "D")
    assert finding.outcome == "reversed"


def test_the_run_with_the_reports_batch_size_is_the_one_that_counts(runs):
    chosen = primary_subjects(subjects_of([runs[1], runs[0], runs[3]]))
    assert [subject.title for subject in chosen] == ["Model B", "Model F"]
    alone = build_reproduction([runs[1]])
    assert "Layers" in texts(alone, Heading)


def test_the_variant_is_compared_with_the_original(document):
    said = [text for text in texts(document, Paragraph) if "batches of 32 minus Model B" in text]
    assert len(said) == 1
    assert "on the same 200 images" in said[0]


def test_f_has_the_reports_classes_beside_ours(document):
    table = tables(document, "Precision, recall and F1 of each class on the test images")[0]
    cat = next(row for row in table.rows if row[0] == "cat")
    assert (cat[1], cat[3], cat[5]) == ("0.62", "0.61", "0.61")
    assert len(table.rows) == 10


def test_other_classes_than_the_reports_stand_alone(trained):
    names = ("a", "b", "<c>")
    run = trained("model-f", names=names, dataset="mine", evaluated=("validation", "test"))
    document = build_reproduction([run])
    assert not tables(document, "The pair of classes mistaken")
    assert "images: mine; the report: CIFAR-10" in " ".join(
        item for block in document.blocks if isinstance(block, ItemList) for item in block.items
    )
    assert "rows of this table differ" in " ".join(texts(document, Note)) or any(
        "row of this table" in note for note in texts(document, Note)
    )
    render_markdown(document)


def test_a_run_of_another_model_is_refused(make_run):
    with pytest.raises(RunError, match="its model 'fastnet' is not the report's"):
        build_reproduction([make_run("mine", model="fastnet")])
    with pytest.raises(InputError, match="no run to report on"):
        build_reproduction([])


MATRICES = st.integers(2, 6).flatmap(
    lambda size: arrays(np.int64, (size, size), elements=st.integers(0, 30))
)


@given(MATRICES)
def test_confusions_by_looking_at_every_cell(matrix):
    found = confusion_of(matrix)
    pairs = itertools.combinations(range(len(matrix)), 2)
    assert found.mistaken == max(matrix[i][j] + matrix[j][i] for i, j in pairs)
    first, second = found.pair
    if matrix.sum() - matrix.trace():
        assert first != second
        assert matrix[first][second] + matrix[second][first] == found.mistaken
    recalls = [row[i] / sum(row) for i, row in enumerate(matrix.tolist()) if sum(row)]
    if recalls:
        assert found.recall == pytest.approx(min(recalls))
