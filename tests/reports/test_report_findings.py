"""What a report concludes, what it warns of, and what it shows of mistakes."""

from __future__ import annotations

import hashlib
import json
import os
import xml.etree.ElementTree as ET
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from report_blocks import build, said, tables

from cnnlab.config import RunConfig
from cnnlab.errors import InputError
from cnnlab.evaluation.figures import ExampleRow, example_rows
from cnnlab.files import write_json
from cnnlab.reports.document import Figure, Heading, ItemList
from cnnlab.runs import CorruptedPredictions, Predictions, Run

MakeRun = Callable[..., Run]
SIX = datetime(2026, 1, 2, 6, tzinfo=UTC).timestamp()


def items(name: str, *runs: Run) -> list[str]:
    return [i for b in build(name, *runs) if isinstance(b, ItemList) for i in b.items]


def item(name: str, word: str, *runs: Run) -> str:
    (found,) = [text for text in items(name, *runs) if word in text]
    return found


def test_mistakes_are_shown_with_their_images(pictured_run: Run) -> None:
    figures = [b for b in build("mistakes", pictured_run) if isinstance(b, Figure)]
    assert [f.name for f in figures] == ["pictured-confused", "pictured-surest-mistakes"]
    for figure in figures:
        pictures = [e for e in ET.fromstring(figure.svg).iter() if e.tag.endswith("}image")]
        assert len(pictures) >= 5
        assert len(figure.svg) < 400_000
    assert "taken for" in figures[0].alt


def test_test_s_mistakes_are_not_shown(pictured_run: Run) -> None:
    text = said(build("mistakes", pictured_run))
    assert "Images of test are not shown" in text
    rows = {int(row[0]) for row in tables(build("mistakes", pictured_run))[0].rows}
    assert rows <= set(pictured_run.split["validation"])


def test_without_the_images_the_mistakes_are_a_table(make_run: MakeRun) -> None:
    blocks = build("mistakes", make_run("gone"))
    assert "The images of gone cannot be shown" in said(blocks)
    assert not [block for block in blocks if isinstance(block, Figure)]
    assert len(tables(blocks)[0].rows) == 15


def test_no_mistake_is_said(make_run: MakeRun) -> None:
    run = make_run("perfect", right=1.0)
    assert said(build("mistakes", run)) == "No validation image was classified wrongly."
    assert "It makes no mistake on test." in items("conclusions", run)


def test_the_classes_of_shared_images_are_counted_once(make_run: MakeRun) -> None:
    other = RunConfig().updated(mirror=True)
    runs = make_run("plain"), make_run("mirrored", config=other)
    blocks = build("preparation", *runs)
    headings = [block.text for block in blocks if isinstance(block, Heading)]
    assert headings == ["plain", "mirrored", "Images of each class"]
    assert said(blocks).count("Images by class are not counted.") == 1


def test_preparation_says_what_is_done_to_pixels(make_run: MakeRun) -> None:
    training = {
        "augment": {"flip": "alternating", "translate": 2, "cutout": 8},
        "progressive_resizing": [{"scale": 0.5, "until": 0.3}, {"scale": 0.75, "until": 0.6}],
        "class_weights": "balanced",
    }
    config = RunConfig().updated(mirror=True, training=training, data={"source": "/gone"})
    text = said(build("preparation", make_run("much", config=config)))
    for words in (
        "0.4914, 0.4822 and 0.4465",
        "mirrored in every second epoch",
        "by up to 2 pixels each way, borders reflected",
        "a square of 8 pixels a side",
        "sides of 50% and 75%, then whole images",
        "the mean over an image and its mirror image",
        "weights of classes",
    ):
        assert words in text
    assert "nothing: no augmentation" in said(build("preparation", make_run("little")))


def test_the_cost_has_energy_only_where_the_machine_tells_it(make_run: MakeRun) -> None:
    run = make_run("measured")
    text = said(build("resources", run))
    assert "not told by this machine" in text
    for words in ("Parameters", "FLOPs, one image forward", "Memory of the parameters"):
        assert words in text
    sample = {"seconds": 9.0, "cpu_percent": 90.0, "memory_bytes": 1e9, "energy_joules": 7200.0}
    run.append("resources.jsonl", sample)
    assert "2.00 Wh" in said(build("resources", run))


def test_validation_and_test_that_differ_by_more_than_chance(make_run: MakeRun) -> None:
    run = make_run("shifted", right=0.99)
    assert "so many images explain by chance." in item("conclusions", "Validation minus test", run)
    saved = run.predictions("test")
    assert saved is not None
    worse = np.roll(saved.logits, 1, axis=1)
    run.save_predictions("test", Predictions(worse, saved.labels, saved.indices))
    assert "more than so many images" in item("conclusions", "Validation minus test", run)


def test_classes_that_are_recognised_alike_are_said_to_be(make_run: MakeRun) -> None:
    run = make_run("alike")
    saved = run.predictions("test")
    assert saved is not None

    def told(answers: np.ndarray) -> str:
        logits = np.eye(10, dtype=np.float32)[answers]
        run.save_predictions("test", Predictions(logits, saved.labels, saved.indices))
        return item("conclusions", "It recognises", Run(run.path))

    assert told(saved.labels) == "It recognises all 10 classes alike (100.0%)."
    collapsed = told(np.full_like(saved.labels, 3))
    assert collapsed.startswith("It recognises cat (100.0% of ")
    assert collapsed.endswith("and airplane, automobile, bird and 6 more (0.0% each) least.")


def test_a_corruption_that_harms_nothing_harms_nothing_most(make_run: MakeRun) -> None:
    run = make_run("unharmed")
    labels, rows = np.arange(200) % 10, np.array(run.split["validation"])
    saved = CorruptedPredictions(labels, labels, rows, "x", {("fog", 1): labels})
    run.save_corrupted_predictions("validation", saved)
    assert item("conclusions", "Under corruption", run).endswith("100.00% without.")


def test_a_share_that_rounds_is_not_harmed_by_that(make_run: MakeRun) -> None:
    run = make_run("a-third-right")
    labels, rows = np.arange(200) % 10, np.array(run.split["validation"])
    wrong = np.where(np.arange(200) < 61, labels, 9 - labels)  # 1 - (1 - 61/200) is below 61/200
    run.save_corrupted_predictions(
        "validation", CorruptedPredictions(wrong, labels, rows, "x", {("fog", 1): wrong})
    )
    assert item("conclusions", "Under corruption", run).endswith("30.50% without.")


def test_robustness_is_concluded_where_it_was_measured(make_run: MakeRun) -> None:
    run = make_run("robust")
    labels, rows = np.arange(200) % 10, np.array(run.split["validation"])
    answers = {("fog", 1): labels, ("contrast", 1): np.where(np.arange(200) < 50, labels, 0)}
    saved = CorruptedPredictions(labels, labels, rows, "x", answers)
    run.save_corrupted_predictions("validation", saved)
    text = item("conclusions", "Under corruption", run)
    right = (answers["contrast", 1] == labels).mean()
    assert f"Under corruption {100 * (1 + right) / 2:.2f}% of 200 validation" in text
    assert f"contrast harms most ({100 * right:.2f}% left)" in text


def test_of_several_it_says_which_is_better_and_how_sure(make_run: MakeRun) -> None:
    best = make_run("best", model="model-b", right=0.95, dataset="mine")
    small = make_run("small", right=0.95, dataset="mine")
    bad = make_run("bad", right=0.2, dataset="mine")
    said = items("conclusions", best, small, bad)
    assert said[0].startswith("Of 3 pairs, 2 can be told apart on validation and 1 cannot")
    accuracies = {}
    for run in (best, small, bad):
        saved = run.predictions("validation")
        assert saved is not None
        accuracies[run.name] = (saved.classes == saved.labels).mean()
    top = max(accuracies, key=lambda name: accuracies[name])
    other = {"best": "small", "small": "best"}[top]
    assert said[1].startswith(f"{top} has the highest validation accuracy, ")
    assert f"{100 * accuracies[top]:.2f}%" in said[1]
    assert f"that it is better than {other} is not shown" in said[1]


def test_a_tiny_network_is_no_part_of_nothing(make_run: MakeRun, tmp_path: Path) -> None:
    tiny = tmp_path / "tiny.yaml"
    layers = "[{type: GlobalAveragePooling2D}, {type: Dense, units: classes}]"
    tiny.write_text(f"input_shape: [32, 32, 3]\nclasses: 10\nlayers: {layers}\n")
    best = make_run("best", right=0.95, dataset="mine")
    small = make_run("small", model=str(tiny), right=0.95, dataset="mine")
    found = next(text for text in items("conclusions", best, small) if "parameters and" in text)
    assert found.startswith("small has less than 1% of its ")


def test_a_group_of_seeds_has_its_mean_and_spread(make_run: MakeRun) -> None:
    runs = []
    for seed in range(3):
        config = RunConfig().updated(seed=seed, data={"source": "/gone"})
        runs.append(make_run(f"again-seed{seed}", config=config, right=0.7 + 0.1 * seed))
    table = next(t for t in tables(build("comparison", *runs)) if t.header[0] == "Recipe")
    found = [saved for run in runs if (saved := run.predictions("validation")) is not None]
    values = [100 * float((saved.classes == saved.labels).mean()) for saved in found]
    assert table.rows[0][:4] == (
        "again",
        "3",
        f"{np.mean(values):.2f}%",
        f"{np.std(values, ddof=1):.2f}",
    )
    assert "3 seeds: spreads over so few" in " ".join(items("limitations", *runs))


def test_limitations_count_openings_and_what_was_trained_around_them(make_run: MakeRun) -> None:
    run = make_run("judged")
    for name, time in (("before", SIX - 36_000), ("after", SIX), ("later", SIX)):
        other = make_run(name, folder=run.path.parent, evaluated=())
        os.utime(other.path / "config.yaml", (time, time))
    text = " ".join(items("limitations", run))
    assert "Test was opened once for it." in text
    assert "Of 3 other runs of the same data in its folder, 1 began before" in text
    assert "and 2 after: what these changed may have been chosen on test." in text
    run.append("ledger.jsonl", run.ledger[0])
    assert "Test was opened 2 times" in " ".join(items("limitations", run))


def test_limitations_of_a_run_whose_test_is_sealed(make_run: MakeRun) -> None:
    text = " ".join(items("limitations", make_run("sealed", evaluated=("validation",))))
    for words in (
        "Test was never opened",
        "chosen among 3 on the validation images themselves",
        "tell an accuracy to within about",
        "not looked for",
        "One split",
        "One seed",
    ):
        assert words in text
    in_stages = make_run("stages", stages=(5, 2))
    assert "chosen among 2 on the" in " ".join(items("limitations", in_stages))
    held_out = make_run("inner", inner=True)
    assert "chosen among" not in " ".join(items("limitations", held_out))


def test_copies_that_an_audit_found_are_quoted(make_run: MakeRun) -> None:
    run = make_run("audited")
    record = {"fingerprint": "0123456789abcdef" * 4, "copies": ["3 of 100 test images ..."]}
    write_json(run.path / "audit.json", record)
    assert "exact and near copies: 3 of 100 test images ..." in item("limitations", "audit", run)
    write_json(run.path / "audit.json", record | {"copies": []})
    assert "no image of one part stands in another" in item("limitations", "audit", run)
    write_json(run.path / "audit.json", record | {"fingerprint": "other"})
    assert "not looked for" in " ".join(items("limitations", run))


def test_an_odd_ledger_does_not_stop_the_report(make_run: MakeRun) -> None:
    run = make_run("odd-ledger")
    line = {**run.ledger[0], "time": "yesterday"}
    (run.path / "ledger.jsonl").write_text(json.dumps(line) + "\n", encoding="utf-8")
    make_run("relative", folder=run.path.parent, evaluated=())
    assert "Test was opened once" in " ".join(items("limitations", run))


def test_the_appendix_has_commands_and_digests(make_run: MakeRun, tmp_path: Path) -> None:
    run = Run(make_run("spaced").path.rename(tmp_path / "with space"))
    text = said(build("appendix", run))
    assert f"cnnlab train --config '{run.path}/config.yaml' --name with-space-again" in text
    assert "cnnlab evaluate with-space-again --split test" in text
    assert "cnnlab report with-space-again" in text
    _, digests = tables(build("appendix", run))
    rows = dict(digests.rows)
    for name in ("config.yaml", "predictions/validation.npz"):
        assert rows[name] == hashlib.sha256((run.path / name).read_bytes()).hexdigest()
    assert rows["the images"] == "0123456789abcdef" * 4


def test_example_rows_need_images_and_captions() -> None:
    images = np.zeros((2, 8, 8, 1), dtype=np.uint8)
    svg = example_rows([ExampleRow("<b> & $x$", images, ["a", "b"])]).svg()
    assert len([e for e in ET.fromstring(svg).iter() if e.tag.endswith("}image")]) == 2
    with pytest.raises(InputError, match="no example"):
        example_rows([])
    with pytest.raises(InputError, match="1 captions for 2 images"):
        example_rows([ExampleRow("x", images, ["a"])])
