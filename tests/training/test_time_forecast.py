"""When a training will be over, said by its first steps on a clock of the test's."""

import json

import numpy as np
import pytest
from stopping import content

from cnnlab.config import TrainingConfig
from cnnlab.errors import MemoryLimitError
from cnnlab.runs import Run
from cnnlab.training import journal, time_forecast
from cnnlab.training.stages import Stage
from cnnlab.training.time_forecast import TimeForecast

ANY_SIZE = """
layers:
  - {type: Conv2D, filters: 8, kernel_size: 3}
  - {type: GlobalAveragePooling2D}
  - {type: Dense, units: classes}
"""


@pytest.fixture
def forecast(tmp_path):
    """A forecast of a training of stages; call it with the seconds that each step takes."""
    (tmp_path / "forecast.json").write_text('{"disk_bytes": 7}')

    def run(seconds, *, stages, validation=0, steps=40, whole_step=None, **training):
        clock, said = [0.0], []
        watched = TimeForecast(
            Run(tmp_path),
            [Stage(np.arange(train), np.arange(inner)) for train, inner in stages],
            TrainingConfig.model_validate(training),
            image_size=(32, 32),
            validation_images=validation,
            watch=lambda event: said.append(event.text),
            whole_step=whole_step,
            now=lambda: clock[0],
        )
        for step in range(1, steps + 1):
            clock[0] += 9.0 if step <= 3 else seconds  # the first ones warm up
            watched.step_done(step)
        return said, json.loads((tmp_path / "forecast.json").read_text())

    return run


def test_steps_and_what_is_watched_are_counted(forecast):
    said, kept = forecast(1.0, stages=[(100, 0)], batch_size=10, epochs=5, validation=50, steps=8)
    # Steps 4 to 8 were watched: 42 are left, and the ends of five epochs with 50 images each.
    assert kept["time"]["seconds_left"] == pytest.approx(42 + 5 * 50 * 0.4 / 10)
    assert kept["time"]["step"] == 8
    assert kept["disk_bytes"] == 7
    (line,) = said
    assert line.startswith("forecast: about 52 s more, until ")
    assert line.endswith("(by 5 steps of 1e+03 ms)")


def test_all_stages_are_ahead_and_early_stopping_may_end_them(forecast):
    said, kept = forecast(
        2.0,
        stages=[(80, 20)] * 3,
        batch_size=10,
        epochs=10,
        early_stopping={"patience": 2},
        steps=20,
    )
    # Step 8 ends the first of 30 epochs.
    left = (240 - 8) * 2 + 29 * 20 * 0.4 * 2 / 10
    assert kept["time"]["seconds_left"] == pytest.approx(left)
    assert said[0].startswith("forecast: up to 9 min more, until ")


def test_what_is_watched_less_often_costs_less(forecast):
    settings = {"stages": [(100, 0)], "batch_size": 10, "epochs": 6, "validation": 100}
    _, often = forecast(1.0, **settings)
    _, rarely = forecast(1.0, watch_every=3, **settings)
    assert often["time"]["seconds_left"] - rarely["time"]["seconds_left"] == pytest.approx(16.0)


def test_a_short_training_is_not_worth_a_word(forecast):
    said, kept = forecast(1.0, stages=[(100, 0)], batch_size=10, epochs=2)
    assert said == []
    assert kept["time"]["seconds_left"] == pytest.approx(12.0)


def test_nothing_is_said_before_there_is_enough_to_go_by(forecast):
    said, kept = forecast(0.1, stages=[(10_000, 0)], batch_size=10, epochs=9, steps=40)
    assert said == []
    assert "time" not in kept


def test_a_forecast_that_was_lost_ends_no_training(forecast, tmp_path):
    for damaged in (None, "{"):
        file = tmp_path / "forecast.json"
        file.unlink()
        if damaged:
            file.write_text(damaged)
        _, kept = forecast(1.0, stages=[(100, 0)], batch_size=10, epochs=5, steps=8)
        assert list(kept) == ["time"]


def test_small_images_go_faster_than_those_to_come(forecast):
    parts = [{"scale": 0.5, "until": 0.5}]
    settings = {"batch_size": 10, "epochs": 10, "progressive_resizing": parts}
    _, kept = forecast(1.0, stages=[(100, 0)], steps=20, **settings)
    # Step 8 of 100: 42 more with a quarter of the pixels, then 50 that take longer.
    assert kept["time"]["seconds_left"] == pytest.approx(42 + 50 * 4**0.72, abs=0.06)


def test_a_longer_training_tries_what_whole_images_cost(forecast):
    parts = [{"scale": 0.5, "until": 0.5}]
    settings = {"batch_size": 10, "epochs": 10, "progressive_resizing": parts}
    _, kept = forecast(1.0, stages=[(100, 0)], steps=20, whole_step=lambda: 5.0, **settings)
    # Step 8 of 100: 42 more of a second, then 50 of five.
    assert kept["time"]["seconds_left"] == pytest.approx(42 + 50 * 5, abs=0.06)
    assert kept["time"]["step_seconds"] == pytest.approx(5.0)


def test_a_trial_that_has_no_memory_ends_no_training(forecast):
    def fails():
        raise MemoryLimitError("out of memory")

    parts = [{"scale": 0.5, "until": 0.5}]
    settings = {"batch_size": 10, "epochs": 10, "progressive_resizing": parts}
    _, kept = forecast(1.0, stages=[(100, 0)], steps=20, whole_step=fails, **settings)
    assert kept["time"]["seconds_left"] == pytest.approx(42 + 50 * 4**0.72, abs=0.06)


def test_a_training_that_tries_whole_images_ends_with_the_same_bytes(fit, tmp_path, monkeypatch):
    model = tmp_path / "any-size.yaml"
    model.write_text(ANY_SIZE, encoding="utf-8")
    training = {"epochs": 4, "progressive_resizing": [{"scale": 0.5, "until": 0.5}]}
    settings = {"model": {"name": str(model)}, "training": training}
    plain = fit(name="plain", **settings)
    tried = []
    try_it = journal.whole_step_seconds
    monkeypatch.setattr(journal, "whole_step_seconds", lambda p: tried.append(try_it(p)) or 1.0)
    monkeypatch.setattr(time_forecast, "_WATCHED_SECONDS", 0.0)
    monkeypatch.setattr(time_forecast, "_WORTH_TRYING_SECONDS", 0.0)
    trying = fit(name="trying", **settings)
    assert len(tried) == 1
    assert tried[0] > 0
    assert content(trying) == content(plain)


def test_nothing_is_tried_where_it_would_tell_nothing(forecast):
    def never():
        raise AssertionError("tried")

    small = [{"scale": 0.5, "until": 0.5}]
    forecast(1.0, stages=[(100, 0)], batch_size=10, epochs=100, whole_step=never)
    forecast(1.0, stages=[(100, 0)], batch_size=10, epochs=3, whole_step=never,
             progressive_resizing=small)  # fmt: skip
