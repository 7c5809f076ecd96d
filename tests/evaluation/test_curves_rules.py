"""Each rule fires on its case and not on the others."""

import dataclasses
import json

import numpy as np
import pytest
from curve_families import FAMILIES, case, down, family, noisy, one_stage, stage
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.random import default_rng

from cnnlab.config import RunConfig
from cnnlab.evaluation.curves import RULES, findings_of
from cnnlab.evaluation.curves.case import Answers, Epoch, StageCurve, stage_curve
from cnnlab.evaluation.curves.remedies import larger_network, rates, regularise
from cnnlab.training.stages import Stage

DRAWS = 40


def config_of(**sections):
    return RunConfig().updated(**sections)


def test_every_rule_has_a_family_and_explains_rules_that_there_are():
    assert set(FAMILIES) - {"healthy"} == set(RULES)
    assert all(RULES.get(name).explains <= set(RULES) for name in RULES)


@pytest.mark.parametrize("name", FAMILIES)
def test_each_rule_fires_on_its_family_and_on_no_other(name):
    found = [rule for draw in range(DRAWS) for rule in findings_of(family(name, draw))]
    shares = {rule: found.count(rule) / DRAWS for rule in RULES}
    shown = json.dumps(shares)
    for rule, share in shares.items():
        assert share >= 0.85 if rule == name else share <= 0.05, shown


@pytest.mark.parametrize("name", FAMILIES)
@given(seed=st.integers(0, 10_000), more=st.integers(2, 50))
@settings(max_examples=15)
def test_findings_hold_whatever_stages_and_rates_are_called(name, seed, more):
    before = family(name, seed)
    renamed = tuple(
        dataclasses.replace(
            one,
            number=one.number + more,
            epochs=tuple(
                dataclasses.replace(epoch, rate=epoch.rate * more) for epoch in one.epochs
            ),
        )
        for one in before.stages
    )
    assert set(findings_of(dataclasses.replace(before, stages=renamed))) == set(findings_of(before))


@given(seed=st.integers(0, 10_000), times=st.integers(2, 100))
def test_more_images_make_overfitting_no_less_sure(seed, times):
    before = family("overfitting", seed)
    larger = [
        dataclasses.replace(one, held_images=one.held_images * times) for one in before.stages
    ]
    assert "overfitting" in findings_of(before)
    assert "overfitting" in findings_of(dataclasses.replace(before, stages=tuple(larger)))


SHARES = st.floats(0, 1)
LOSSES = st.floats(0, 1e6)
ANY_EPOCH = st.builds(
    Epoch,
    number=st.integers(1, 50),
    rate=st.floats(1e-9, 1000),
    train_loss=LOSSES,
    train_accuracy=SHARES,
    held_loss=st.none() | LOSSES,
    held_accuracy=st.none() | SHARES,
    comparable=st.booleans(),
)
ANY_STAGE = st.builds(
    StageCurve,
    number=st.integers(1, 9),
    epochs=st.lists(ANY_EPOCH, min_size=1, max_size=20).map(tuple),
    most_epochs=st.integers(1, 50),
    train_images=st.integers(1, 10**6),
    held_images=st.integers(0, 10**5),
)


@given(stages=st.lists(ANY_STAGE, max_size=4), failed=st.booleans())
def test_any_curve_is_judged_and_every_suggestion_is_a_configuration(stages, failed):
    one = case(*stages, failed=failed, stopped_because="the loss became nan" if failed else None)
    for found in findings_of(one).values():
        nested = {}
        for key, value in found.settings.items():
            section, _, rest = key.partition(".")
            part = {rest: value} if rest and "." not in rest else {}
            nested[section] = {**nested.get(section, {}), **part} if rest else value
        assert config_of(**nested) != one.config or "." in str(found.settings)
        assert found.evidence
        assert "nan" not in found.evidence.replace("became nan", "")


def test_no_epoch_gives_no_finding():
    assert findings_of(case()) == {}


# What shifts training figures must not be called overfitting.


def test_label_smoothing_shifts_the_training_loss_and_nothing_is_said_of_it():
    rng = default_rng(0)
    train = down(16, 1.9, 0.9, 2)  # a floor of 0.9 nats, with 97% right
    held = noisy(rng, down(16, 1.6, 0.08, 2), 2000)
    right = [accuracy for _, accuracy in held]
    pairs = list(zip(train.tolist(), [min(a + 0.02, 1) for a in right], strict=True))
    smoothed = case(
        stage(1, pairs, held, cap=99),
        config=config_of(training={"label_smoothing": 0.2}),
        stopped_because="no better epoch in 3",
    )
    assert "overfitting" not in findings_of(smoothed)
    assert "underfitting" not in findings_of(smoothed)


def _records(epochs, train, held):
    return [
        {
            "stage": 1,
            "epoch": number,
            "lr": 1e-3,
            "train_loss": 1.0 / number,
            "train_accuracy": train,
            "validation_loss": 0.5 + 0.2 * number,
            "validation_accuracy": held,
        }
        for number in range(1, epochs + 1)
    ]


def _curve(config, epochs=8):
    rows = default_rng(0).permutation(1000)
    return stage_curve(
        _records(epochs, 0.95, 0.7), Stage(rows, rows[:0]), config, validation_images=1000
    )


def test_smaller_images_and_lagging_averages_are_no_overfitting():
    """Held-out images are whole, and looked at with averaged weights: other things than trained."""
    plain = config_of(training={"epochs": 8, "batch_size": 100})
    assert "overfitting" in findings_of(case(_curve(plain)))
    small = [{"scale": 0.5, "until": 0.9}]
    resized = config_of(training={"epochs": 8, "batch_size": 100, "progressive_resizing": small})
    assert [epoch.comparable for epoch in _curve(resized).epochs] == [False] * 8
    assert "overfitting" not in findings_of(case(_curve(resized)))
    # 80 steps; an average over 100 steps still holds the weights that it began with.
    averaged = config_of(training={"epochs": 8, "batch_size": 100, "ema": 0.99})
    assert "overfitting" not in findings_of(case(_curve(averaged)))
    settled = config_of(training={"epochs": 8, "batch_size": 100, "ema": 0.9})
    assert [epoch.comparable for epoch in _curve(settled).epochs] == [False] * 2 + [True] * 6


def test_a_rate_that_is_brought_down_flattens_a_curve_by_design():
    rng = default_rng(1)
    train = down(20, 1.9, 0.12, 1.2)
    still = one_stage(rng, train, train + 0.05)
    (only,) = still.stages
    lowered = [
        dataclasses.replace(epoch, rate=1e-3 * (1 - epoch.number / 21)) for epoch in only.epochs
    ]
    annealed = dataclasses.replace(only, epochs=tuple(lowered))
    assert "plateau" in findings_of(still)
    assert findings_of(dataclasses.replace(still, stages=(annealed,))) == {}


def _under_rates(losses, used):
    """A run whose loss was so after each epoch, at these rates."""
    one = one_stage(default_rng(2), losses, np.asarray(losses) + 0.02)
    (only,) = one.stages
    epochs = [
        dataclasses.replace(epoch, rate=rate) for epoch, rate in zip(only.epochs, used, strict=True)
    ]
    return dataclasses.replace(one, stages=(dataclasses.replace(only, epochs=tuple(epochs)),))


def test_a_rate_that_is_brought_down_lets_the_loss_fall_on():
    """As fastnet's does, with smoothed labels, which keep it from falling by much."""
    losses = [1.676, 1.543, 1.465, 1.377, 1.276, 1.207]
    used = [0.196, 0.152, 0.107, 0.063, 0.019, 0.015]
    assert "rate-too-low" not in findings_of(_under_rates(losses, used))
    assert "rate-too-low" in findings_of(_under_rates(losses, [0.1] * 6))


def test_a_rate_that_is_too_low_is_so_while_it_is_brought_down_too():
    """Of a rate that is far too low the loss falls in proportion to it."""
    used = 1e-5 * (1 + np.cos(np.pi * np.arange(12) / 12))
    losses = 2.3 - 0.3 * np.cumsum(used) / used.sum()
    assert "rate-too-low" in findings_of(_under_rates(losses, used))


def test_one_class_for_all_images_is_a_collapse_unless_it_is_that_of_most():
    healthy = family("healthy", 0)
    same = Answers(top_share=0.99, majority=0.1, entropy=2.3)
    most = Answers(top_share=0.99, majority=0.95, entropy=0.3)
    found = findings_of(dataclasses.replace(healthy, answers=same))
    assert list(found) == ["collapse"]
    # Training went well, so it is no rate that is wrong.
    assert "moving averages" in found["collapse"].evidence
    assert found["collapse"].advice == "train twice as long"
    assert findings_of(dataclasses.replace(healthy, answers=most)) == {}


def test_a_breakdown_asks_for_a_tenth_of_every_rate():
    config = config_of(optimizer={"name": "muon", "lr": 0.24, "head_lr": 0.6, "bias_lr": 10})
    said = "stage 1, epoch 1, step 4: the loss became nan; lower --lr"
    one = case(config=config, failed=True, stopped_because=said)
    found = findings_of(one)["rate-too-high"]
    assert found.settings == {
        "optimizer.lr": 0.024,
        "optimizer.head_lr": 0.06,
        "optimizer.bias_lr": 1.0,
    }
    assert rates(RunConfig(), 3).settings == {"optimizer.lr": 0.003}


def test_means_against_overfitting_are_tried_one_after_the_other():
    tried, settings = [], {}
    config = RunConfig()
    for _ in range(5):
        _advice, new = regularise(case(config=config), best_epoch=4)
        tried.append(list(new))
        for key, value in new.items():
            for part in reversed(key.split(".")):
                value = {part: value}
            config = config.updated(**value)
        settings |= new
    assert tried == [
        ["training.augment.translate"],
        ["optimizer.weight_decay"],
        ["training.augment.cutout"],
        ["training.early_stopping.patience", "training.watch_every"],
        ["training.epochs"],
    ]
    assert settings["training.epochs"] == 4


@pytest.mark.parametrize(
    ("sections", "wanted"),
    [
        (
            {"model": {"name": "fastnet", "params": {"widths": [8, 16]}}},
            {"model.params.widths": [16, 32]},
        ),
        ({"model": {"name": "resnet18", "params": {"width": 32}}}, {"model.params.width": 64}),
        ({"model": {"name": "model-b"}}, {"model.name": "resnet18"}),
        ({"init": {"run": "x", "freeze": "features"}}, {"init.freeze": "none"}),
        ({"init": {"run": "x"}}, {"training.epochs": 20}),
    ],
)
def test_what_a_larger_network_is_depends_on_the_run(sections, wanted):
    assert larger_network(case(config=config_of(**sections))).settings == wanted
