"""Training as a whole, on a folder of small images."""

import json
import shutil
from datetime import datetime

import numpy as np
import pytest
from PIL import Image
from stopping import content, kill_at

from cnnlab.errors import (
    DivergedError,
    InputError,
    Interrupted,
    RunError,
)
from cnnlab.inference import load_network, read_tensors
from cnnlab.optim import OPTIMIZERS
from cnnlab.runs import open_run
from cnnlab.training.events import Notice
from cnnlab.training.loop import resume, train
from cnnlab.workflows.configure import configure

AUGMENTED = {"flip": "random", "translate": 1}


def test_case_13_the_same_seed_gives_identical_weights_and_another_seed_others(fit):
    settings = {"training": {"augment": AUGMENTED, "ema": 0.9}}
    first, second = fit(**settings), fit(**settings)
    assert content(first) == content(second)
    other = fit(seed=1, **settings)
    assert content(other) != content(first)


@pytest.mark.parametrize("step", [1, 4, 5, 9])
def test_case_18_a_stopped_training_goes_on_exactly_where_it_stood(fit, step):
    settings = {"training": {"augment": AUGMENTED, "ema": 0.9}}
    whole = fit(**settings)
    with pytest.raises(Interrupted, match="cnnlab train --resume") as caught:
        fit(kill_at(step), name="cut", **settings)
    assert caught.value.exit_code == 143
    cut = open_run(whole.path.parent / "cut")
    assert cut.status == "unfinished"
    resume(cut)
    assert content(cut) == content(whole)
    assert cut.status == "finished"


def test_case_16_a_run_that_has_ended_has_nothing_to_do(fit):
    run = fit()
    before = content(run)
    said = []
    resume(run, lambda event: said.append(event))
    assert content(run) == before
    notice = next(event.text for event in said if isinstance(event, Notice))
    assert notice.startswith("nothing to do")


def test_case_16_changed_data_is_refused(fit, tmp_path, images):
    copy = tmp_path / "images"
    shutil.copytree(images, copy)
    with pytest.raises(Interrupted):
        fit(kill_at(2), source=copy, name="cut")
    picture = copy / "class 0" / "000.png"
    Image.fromarray(np.zeros((12, 12, 3), dtype=np.uint8)).save(picture)
    with pytest.raises(RunError, match="the data has changed: its fingerprint is"):
        resume(open_run(tmp_path / "runs" / "cut"))


def test_case_17_a_loss_that_is_no_number_stops_and_keeps_the_best(fit, tmp_path):
    model = tmp_path / "plain.yaml"
    model.write_text("layers: [{type: Flatten}, {type: Dense, units: 9}, "
                     "{type: Dense, units: 9}, {type: Dense, units: classes}]")  # fmt: skip
    with pytest.raises(DivergedError, match=r"stage 1, epoch \d+, step \d+: .*; lower --lr"):
        fit(model={"name": str(model)}, optimizer={"name": "sgd", "lr": 3.0}, name="nan",
            training={"epochs": 50, "batch_size": 80})  # fmt: skip
    run = open_run(tmp_path / "runs" / "nan")
    assert run.status == "failed"
    assert "no longer a number" in run.result["stopped_because"] or "loss became" in str(run.result)
    assert len(run.metrics) >= 1
    load_network(run)


def test_case_17_the_last_step_counts_where_nothing_is_measured(fit, tmp_path):
    model = tmp_path / "deep.yaml"
    deep = "{type: Dense, units: 9}, " * 40
    model.write_text(f"layers: [{{type: Flatten}}, {deep}{{type: Dense, units: classes}}]")
    with pytest.raises(DivergedError, match="a logit is no longer a number"):
        fit(model={"name": str(model)}, optimizer={"name": "sgd", "lr": 1000}, name="last",
            data={"validation": 0}, training={"steps": 1, "weights": "last"})  # fmt: skip
    run = open_run(tmp_path / "runs" / "last")
    assert run.status == "failed"
    assert not run.best_weights.exists()


def test_case_19_shuffled_labels_are_learnt_no_better_than_chance(fit, tmp_path):
    generator = np.random.default_rng(0)
    for label in ("a", "b"):
        (tmp_path / "noise" / label).mkdir(parents=True)
        for number in range(120):
            pixels = generator.integers(0, 256, (12, 12, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "noise" / label / f"{number}.png")
    run = fit(source=tmp_path / "noise", training={"epochs": 5, "weights": "last"},
              data={"validation": 0.4, "test": 0})  # fmt: skip
    # 96 coin flips are within 0.5 +- 0.2 with all but one chance in 10,000.
    assert abs(run.metrics[-1]["validation_accuracy"] - 0.5) < 0.2


def test_case_19_few_images_are_learnt_by_heart(fit):
    run = fit(training={"epochs": 30}, data={"train": 64})
    assert run.metrics[-1]["train_accuracy"] == 1.0


def test_a_number_of_steps_ends_training_within_an_epoch_and_ends_the_schedule_there(fit):
    linear = {"name": "linear"}
    run = fit(training={"epochs": 3, "batch_size": 16, "steps": 8}, schedule=linear)
    whole = fit(training={"epochs": 3, "batch_size": 16}, schedule=linear)
    batches = whole.metrics[0]["step"]
    assert [line["step"] for line in run.metrics] == [batches, 8]
    assert batches < 8 < 2 * batches
    assert run.metrics[-1]["lr"] == pytest.approx(0.01 / 8)
    assert run.result["stopped_because"] == "all epochs done"
    assert run.result["images_per_second"] > 0
    assert whole.metrics[-1]["step"] == 3 * batches


@pytest.mark.parametrize("step", [3, 7])
def test_case_18_a_training_of_so_many_steps_goes_on_exactly(fit, step):
    settings = {"training": {"steps": 8, "watch_every": 2, "augment": AUGMENTED}}
    whole = fit(**settings)
    with pytest.raises(Interrupted):
        fit(kill_at(step), name="cut", **settings)
    cut = resume(open_run(whole.path.parent / "cut"))
    assert content(cut) == content(whole)


def test_what_is_watched_is_measured_every_so_many_epochs_and_at_the_end(fit):
    run = fit(training={"epochs": 5, "watch_every": 2})
    assert ["validation_loss" in line for line in run.metrics] == [False, True, False, True, True]
    assert run.result["chosen_epoch"]["epoch"] in {2, 4, 5}
    last = fit(training={"epochs": 3, "watch_every": 9, "weights": "last"})
    assert last.result["chosen_epoch"] == {"stage": 1, "epoch": 3}


def test_early_stopping_must_see_every_epoch(fit):
    with pytest.raises(InputError, match="early_stopping needs watch_every to be 1"):
        fit(training={"watch_every": 2, "early_stopping": {"patience": 1}})


@pytest.mark.parametrize("name", OPTIMIZERS.names())
def test_every_optimizer_learns_the_small_images(fit, name):
    rate = {"muon": 0.1, "sgd": 0.05}.get(name, 0.01)
    run = fit(optimizer={"name": name, "lr": rate}, training={"epochs": 8})
    assert run.chosen_epoch["validation_accuracy"] > 0.8


def test_sequential_training_has_a_curve_a_stage_and_goes_on_from_the_weights(fit):
    training = {
        "mode": "sequential",
        "stage_size": 30,
        "inner_validation": 0.2,
        "epochs": 4,
        "batch_size": 4,
    }
    run = fit(training=training)
    assert [(r["stage"], r["epoch"]) for r in run.metrics] == [
        (stage, epoch) for stage in (1, 2) for epoch in (1, 2, 3, 4)
    ]
    assert all("inner_accuracy" in r and "validation_accuracy" not in r for r in run.metrics)
    first, second = run.metrics[0], run.metrics[4]
    assert second["train_loss"] < first["train_loss"] / 2
    assert run.result["chosen_epoch"]["stage"] == 2


@pytest.mark.parametrize("step", [3, 6, 7])
def test_a_stopped_sequential_training_goes_on_exactly(fit, step):
    training = {"mode": "sequential", "stage_size": 30, "inner_validation": 0.2, "epochs": 2,
                "batch_size": 10}  # fmt: skip
    whole = fit(training=training)
    with pytest.raises(Interrupted):
        fit(kill_at(step), name="cut", training=training)
    cut = open_run(whole.path.parent / "cut")
    resume(cut)
    assert content(cut) == content(whole)


def test_early_stopping_waits_and_the_best_epoch_counts(fit):
    stopping = {"patience": 2, "monitor": "loss"}
    run = fit(optimizer={"name": "adam", "lr": 0.3}, training={"epochs": 60,
              "early_stopping": stopping})  # fmt: skip
    losses = [record["validation_loss"] for record in run.metrics]
    best = int(np.argmin(losses))
    assert len(losses) == best + 3
    assert run.result["stopped_because"] == "no better epoch in 2"
    assert run.chosen_epoch["epoch"] == best + 1
    _, header = read_tensors(run.best_weights)
    assert header["epoch"] == best + 1


def test_the_last_weights_count_where_they_are_asked_for(fit):
    run = fit(training={"weights": "last"})
    assert run.chosen_epoch["epoch"] == 3


def test_a_time_limit_ends_within_an_epoch_with_weights_to_use(fit):
    run = fit(training={"epochs": 100_000, "time_limit_seconds": 0.3})
    assert run.result["stopped_because"] == "time limit of 0.3 s"
    assert run.result["epochs"] < 100_000
    load_network(run)


def test_a_last_batch_of_one_image_is_trained_on(fit):
    run = fit(training={"batch_size": 79, "epochs": 1})
    assert run.metrics[0]["step"] == 2


@pytest.mark.parametrize(
    "training",
    [
        {"class_weights": "balanced"},
        {"class_weights": {"class 1": 3.0}},
        {"sampling": "balanced"},
        {"clip_norm": 0.5},
    ],
)
def test_other_ways_of_training_change_the_weights(fit, training):
    plain = fit(data={"stratify": False})
    assert content(plain) != content(fit(training=training, data={"stratify": False}))  # fmt: skip


def test_a_wrong_setting_leaves_nothing_behind(fit, tmp_path):
    with pytest.raises(InputError):
        fit(data={"train": 1}, training={"inner_validation": 0.9})
    assert not (tmp_path / "runs").exists()


def test_a_network_without_weights_is_refused(fit, tmp_path):
    model = tmp_path / "none.yaml"
    model.write_text("layers: [{type: GlobalAveragePooling2D}]")
    with pytest.raises(InputError, match=r"none\.yaml: it has no weights to train"):
        fit(model={"name": str(model)})
    assert not (tmp_path / "runs").exists()


def test_a_run_can_be_trained_again_from_its_configuration(fit, tmp_path):
    first = fit()
    again = train(configure(file=first.path / "config.yaml"), tmp_path / "again")
    assert content(again) == content(first)


def test_the_run_directory_says_everything(fit):
    run = fit()
    assert sorted(path.name for path in run.path.iterdir() if path.name[0] != ".") == [
        "architecture.yaml", "checkpoints", "config.yaml", "environment.json", "figures",
        "forecast.json", "metrics.jsonl", "predictions", "preprocessing.json", "progress.md",
        "remarks.json", "result.json", "split.json", "summary.txt", "timing.jsonl",
    ]  # fmt: skip
    assert run.environment["choices"]["device"]["reason"]
    made = datetime.fromisoformat(run.environment["created"])
    assert made.tzinfo is not None
    assert run.created == made
    assert json.loads((run.path / "split.json").read_text())["dataset"]["fingerprint"]
    assert "| 1 | 3 |" in (run.path / "progress.md").read_text()
