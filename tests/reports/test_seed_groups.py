"""Several seeds of one configuration in a report: one is shown, all are counted."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from report_blocks import build, said, tables
from scipy import stats

from cnnlab.config import RunConfig
from cnnlab.reports import build_document
from cnnlab.reports.document import Code, Document, Figure, Heading, Table
from cnnlab.reports.record import records_of
from cnnlab.reports.seed_groups import seed_groups, shared_or_named
from cnnlab.runs import CorruptedPredictions, Run

MakeRun = Callable[..., Run]


def accuracy(run: Run) -> float:
    saved = run.predictions("validation")
    assert saved is not None
    return float((saved.classes == saved.labels).mean())


def headings(name: str, *runs: Run) -> list[str]:
    return [block.text for block in build(name, *runs) if isinstance(block, Heading)]


@pytest.fixture(scope="module")
def five(make_run: MakeRun, tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    """Five seeds, their accuracies in no order; test was opened for the second and the last."""
    folder: Path = tmp_path_factory.mktemp("seeds")
    return [
        make_run(
            f"many-seed{seed}",
            folder=folder,
            config=RunConfig().updated(name=f"many-seed{seed}", seed=seed, data={"source": "/x"}),
            right=right,
            evaluated=("validation", "test") if seed in (1, 4) else ("validation",),
        )
        for seed, right in enumerate((0.9, 0.5, 0.7, 0.8, 0.6))
    ]


@pytest.fixture(scope="module")
def alone(make_run: MakeRun) -> Run:
    return make_run("alone", model="model-b", evaluated=("validation",))


@pytest.fixture(scope="module")
def both(five: list[Run], alone: Run) -> Document:
    return build_document([*five, alone])


@pytest.mark.parametrize("name", ["confusion", "per-class", "calibration", "mistakes", "resources"])
def test_the_median_seed_stands_for_all(name: str, five: list[Run], alone: Run) -> None:
    assert np.median([accuracy(run) for run in five]) == accuracy(five[2])
    assert headings(name, *five, alone) == ["many-seed2 (the median of 5 seeds)", "alone"]


def test_of_two_seeds_the_lower_is_shown_and_of_none_evaluated_the_first(
    five: list[Run], make_run: MakeRun
) -> None:
    assert headings("confusion", *five[:2]) == ["many-seed1 (the lower of 2 seeds)"]
    unfinished = [
        make_run(
            f"new-seed{seed}",
            config=RunConfig().updated(seed=seed, data={"source": "/x"}),
            evaluated=(),
            status=None,
        )
        for seed in range(3)
    ]
    (group,) = seed_groups(records_of(unfinished))
    assert (group.shown.label, group.heading()) == ("new-seed0", "new")
    assert "3 seeds" in build_document(unfinished).title


def test_the_summary_has_mean_and_interval_over_seeds(five: list[Run], alone: Run) -> None:
    values = np.array([accuracy(run) for run in five])
    ends = stats.ttest_1samp(values, 0).confidence_interval()
    (table,) = tables(build("summary", *five, alone))
    assert [row[0] for row in table.rows] == ["many", "alone"]
    mean = (
        f"{100 * values.mean():.2f}% ± {100 * values.std(ddof=1):.2f} over 5 seeds (95% interval "
        f"{100 * ends.low:.2f}% to {100 * ends.high:.2f}%)"
    )
    on_test = table.rows[0][4]
    assert table.rows[0][3] == mean
    assert "over 2 of 5 seeds (95% interval" in on_test
    assert f"Not met by many on the validation images: {mean}" in said(build("summary", *five))


def test_a_seed_that_was_not_judged_does_not_hide_the_others(
    five: list[Run], make_run: MakeRun
) -> None:
    config = RunConfig().updated(name="many-seed9", seed=9, data={"source": "/x"})
    lost = make_run("many-seed9", config=config, evaluated=(), status="failed")
    values = np.array([accuracy(run) for run in five])
    text = said(build("summary", *five, lost))
    assert f"{100 * values.mean():.2f}%" in text
    assert "over 5 of 6 seeds" in text
    assert "5 finished, 1 failed" in text
    assert headings("confusion", *five, lost) == ["many-seed2 (the median of 5 seeds)"]


def test_what_seeds_have_in_common_is_said_once(five: list[Run], alone: Run) -> None:
    recipes, accuracies, _ = tables(build("comparison", *five, alone))
    assert recipes.header[-1] == "Key features"
    assert [row[0] for row in recipes.rows] == ["many", alone.name]
    assert all("Conv2D" in row[-1] or "fastnet" in row[-1] for row in recipes.rows)
    assert (len(accuracies.rows), accuracies.header[-1]) == (6, "n")


def test_the_comparison_draws_means_and_lists_every_run(five: list[Run], alone: Run) -> None:
    blocks = build("comparison", *five, alone)
    (figure,) = [block for block in blocks if isinstance(block, Figure)]
    mean = np.mean([accuracy(run) for run in five])
    assert f"many {100 * mean:.2f}% on validation" in figure.alt
    assert "Wilson intervals over images and 95% t intervals of the mean" in figure.caption
    recipes, runs, cost = tables(blocks)
    assert [row[0] for row in recipes.rows] == ["many", "alone"]
    assert [row[0] for row in runs.rows] == [*(run.name for run in five), "alone"]
    assert [row[0] for row in cost.rows] == ["many", "alone"]
    assert "Of several seeds it is the mean." in cost.caption


def test_every_opening_of_test_is_told(five: list[Run], alone: Run) -> None:
    text = said(build("test", *five, alone))
    assert "The test images of many were opened 2 times." in text
    assert "evaluate many-seed1 --split test" in text
    assert "evaluate many-seed4 --split test" in text
    assert "many-seed1 (the lower of 2 seeds)" in text
    assert "has no saved test predictions" not in text
    limits = said(build("limitations", *five, alone))
    assert "many-seed1 and many-seed4: Test was opened once for it." in limits
    assert "many-seed0, many-seed2 and many-seed3: Test was never opened" in limits
    assert limits.count("tell an accuracy to within about") == 2  # once for all five


def test_settings_name_all_seeds_in_one_column(five: list[Run], alone: Run) -> None:
    found = tables(build("training-setup", *five, alone))
    (table,) = [table for table in found if "many" in table.header]
    assert table.header == ("Setting", "many", "alone")
    assert ("seed", "0, 1, 2, 3, 4", "0") in table.rows


def test_one_command_trains_all_seeds_again(five: list[Run], alone: Run) -> None:
    code = next(b for b in build("appendix", *five, alone) if isinstance(b, Code)).text
    lines = code.splitlines()
    config = str(five[0].path / "config.yaml")
    first = ["cnnlab", "train", "--config", config, "--seeds", "0,1,2,3,4", "--name", "many-again"]
    assert shlex.split(lines[0]) == first
    assert lines[1:3] == [
        "cnnlab evaluate many-again-seed1 --split test",
        "cnnlab evaluate many-again-seed4 --split test",
    ]
    assert lines[-1] == "cnnlab report many-again alone-again"


def test_every_seed_s_weights_have_a_fingerprint(five: list[Run], alone: Run) -> None:
    listed = tables(build("appendix", *five, alone))[-1]
    assert listed.header == ("Run", "File", "SHA-256")
    found = {row[0] for row in listed.rows}
    assert found == {run.name for run in five}
    assert len({row[2] for row in listed.rows}) == 5


def test_seeds_with_splits_of_their_own_are_trained_again_one_by_one(make_run: MakeRun) -> None:
    runs = [
        make_run(
            f"vary-seed{seed}",
            config=RunConfig().updated(seed=seed, data={"source": "/x", "split_seed": seed}),
        )
        for seed in range(2)
    ]
    code = next(b for b in build("appendix", *runs) if isinstance(b, Code)).text
    assert code.count("cnnlab train --config") == 2
    assert "--seeds" not in code


def test_a_document_of_many_seeds_stays_short(both: Document) -> None:
    figures = [block.name for block in both.blocks if isinstance(block, Figure)]
    assert sum("learning-curves" in name for name in figures) == 2
    assert both.title == "many and alone"
    machines = [b for b in both.blocks if isinstance(b, Table) and "trained on" in b.caption]
    assert len(machines) == 2


def test_what_all_say_is_said_once() -> None:
    said_by = [("a", ["x", "y"]), ("b", ["y"]), ("c", ["y", "x"])]
    assert shared_or_named(said_by) == ["a and c: x", "y"]


def test_what_is_typed_again_can_be_typed(make_run: MakeRun, tmp_path: Path) -> None:
    first = make_run("same", folder=tmp_path / "a b", right=0.6)
    second = make_run("same", folder=tmp_path / "c", right=0.7, model="model-b")
    first.path.rename(first.path.with_name("my best_model"))
    moved = Run(first.path.with_name("my best_model"))
    code = next(b for b in build("appendix", moved, second) if isinstance(b, Code)).text
    commands = [shlex.split(line) for line in code.splitlines()]
    names = [words[words.index("--name") + 1] for words in commands if "--name" in words]
    assert names == ["my-best_model-again", "same-again"]
    assert commands[0][3] == str(moved.path / "config.yaml")
    assert commands[-1] == ["cnnlab", "report", *names]


def test_robustness_is_measured_again_as_it_was(make_run: MakeRun) -> None:
    run = make_run("robust", evaluated=("validation",))
    rows = np.array(run.split["validation"][:50], dtype=np.int64)
    labels = np.zeros(50, dtype=np.int64)
    answers = {("fog", 1): labels, ("fog", 3): labels, ("frost", 1): labels, ("frost", 3): labels}
    run.save_corrupted_predictions(
        "validation", CorruptedPredictions(labels, labels, rows, "x", answers)
    )
    code = next(b for b in build("appendix", run) if isinstance(b, Code)).text
    assert (
        "cnnlab robustness robust-again --split validation --corruptions fog,frost "
        "--severities 1,3 --limit 50"
    ) in code


def test_corruptions_at_severities_of_their_own_are_all_told(make_run: MakeRun) -> None:
    run = make_run("robust", evaluated=("validation",))
    rows = np.array(run.split["validation"], dtype=np.int64)
    labels = np.zeros(len(rows), dtype=np.int64)
    answers = {("fog", 1): labels, ("fog", 2): labels, ("frost", 3): labels}
    run.save_corrupted_predictions(
        "validation", CorruptedPredictions(labels, labels, rows, "x", answers)
    )
    shown = said(build("robustness", run))
    assert "Measured but not shown, since not all of these corruptions were: " in shown
    assert "Frost (drawn) at severity 3." in shown
    code = next(b for b in build("appendix", run) if isinstance(b, Code)).text
    assert "--split validation --corruptions fog --severities 1,2\n" in code
    assert "--split validation --corruptions frost --severities 3\n" in code


def test_limitations_tell_single_runs_from_groups(five: list[Run], alone: Run) -> None:
    text = said(build("limitations", *five, alone))
    assert "One seed of alone: intervals are over images." in text
    assert "5 seeds: spreads over so few trainings are rough themselves." in text
    assert "Times are of one machine, and of one training each." in text
    assert "5 seeds" not in said(build("limitations", alone))


def test_a_part_without_images_is_not_to_be_evaluated(make_run: MakeRun) -> None:
    run = make_run("all-trained", sizes=(400, 0, 100), evaluated=())
    text = said(build("confusion", run))
    assert text == "all-trained has no validation images, so nothing was measured on them."
