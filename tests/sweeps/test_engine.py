"""Proposals and prunings: reproducible, the same after a replay, and as their authors say."""

import pytest

from cnnlab.errors import ConfigError, UnknownNameError
from cnnlab.sweeps import (
    PRUNERS,
    SAMPLERS,
    Engine,
    EngineSettings,
    Pace,
    importance_of,
    parse_pace,
    parse_space,
)

SPACE = parse_space({"a.x": {"uniform": [0, 1]}, "a.y": {"int": [0, 9]},
                     "a.z": {"choice": [[1], [2, 3]]}})  # fmt: skip
COUNTED = parse_space({"a.x": {"int": [0, 2]}, "a.z": {"choice": [[1], [2, 3]]}})


def goodness(params, epoch):
    return params["a.x"] + 0.1 * epoch - (0 if params["a.z"] == [1] else 0.3)


def drive(engine, numbers, events):
    """Run trials of four epochs; write down what was asked and answered."""
    for number in numbers:
        params = engine.ask(number)
        events.append(("start", number, params))
        state = "finished"
        for epoch in range(1, 5):
            value = goodness(params, epoch)
            pruned = engine.report(number, epoch, epoch, value)
            events.append(("epoch", number, epoch, value, pruned))
            if pruned:
                state = "pruned"
                break
        engine.tell(number, state, value)
        events.append(("end", number, state, value))


def replay(engine, events):
    for kind, number, *rest in events:
        if kind == "start":
            assert engine.replay(number, rest[0]) == rest[0]
        elif kind == "epoch":
            assert engine.report(number, rest[0], rest[0], rest[1]) is rest[2]
        else:
            engine.tell(number, *rest)


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("pruner", PRUNERS)
def test_after_a_replay_it_goes_on_as_if_nothing_had_happened(sampler, pruner):
    space = COUNTED if sampler == "grid" else SPACE
    settings = EngineSettings(sampler=sampler, pruner=pruner, seed=3)
    count = 6 if sampler == "grid" else 16
    whole, first, later = [], [], []
    drive(Engine(space, settings), range(1, count + 1), whole)
    drive(Engine(space, settings), range(1, count - 3), first)
    engine = Engine(space, settings)
    replay(engine, first)
    drive(engine, range(count - 3, count + 1), later)
    assert first + later == whole
    other = []
    drive(Engine(space, EngineSettings(sampler=sampler, pruner=pruner, seed=4)),
          range(1, count + 1), other)  # fmt: skip
    assert other != whole


def test_tpe_finds_what_random_search_seldom_does():
    def last_ones(sampler):
        events = []
        settings = EngineSettings(sampler=sampler, pruner="none")
        drive(Engine(SPACE, settings), range(1, 41), events)
        return [one[3] for one in events if one[0] == "end"][-10:]

    assert sum(last_ones("tpe")) > sum(last_ones("random")) + 1


def test_a_grid_is_tried_once_each_in_the_seeds_order_and_ends():
    engine = Engine(COUNTED, EngineSettings(sampler="grid", pruner="none"))
    events = []
    drive(engine, range(1, 7), events)
    tried = [(one[2]["a.x"], *one[2]["a.z"]) for one in events if one[0] == "start"]
    assert sorted(tried) == sorted({*tried}) == sorted(
        (x, *z) for x in (0, 1, 2) for z in ([1], [2, 3])
    )  # fmt: skip
    assert engine.ask(7) is None


def test_halving_lets_the_best_third_go_on():
    """By hand: at a rung a trial goes on where it is among the best third of those that came."""
    engine = Engine(SPACE, EngineSettings(pruner="halving", reduction=3))
    first_rung = [0.5, 0.4, 0.6, 0.55, 0.3, 0.7]
    # 1st: alone, best so far. 2nd: of two none can be ranked, not the best. 3rd: best of three.
    # 4th: place 2 of 4, one may. 5th: no. 6th: best of six.
    for number, (value, stopped) in enumerate(
        zip(first_rung, [False, True, False, True, True, False], strict=True), start=1
    ):
        engine.ask(number)
        assert engine.report(number, 1, 1, value) is stopped, number
        assert engine.report(number, 2, 2, value) is False  # no rung: the next one is at three


def test_the_pace_says_when_a_unit_is_over():
    assert [Pace(2, "epochs").units(epochs, 99) for epochs in (1, 2, 3, 4)] == [0, 1, 1, 2]
    assert [Pace(1.5, "seconds").units(99, s) for s in (1.4, 1.5, 3.1)] == [0, 1, 2]
    engine = Engine(SPACE, EngineSettings(pruner="median", pace=Pace(10, "seconds")))
    for number in range(1, 7):
        engine.ask(number)
        assert engine.report(number, 1, 9.9, 0.5) is False
        assert engine.report(number, 2, 10.5, 0.5 + 0.01 * number) is False
        engine.tell(number, "finished", 0.5)
    engine.ask(7)
    assert engine.report(7, 1, 9.9, 0.0) is False
    assert engine.report(7, 2, 12.0, 0.0) is True


@pytest.mark.parametrize(
    ("text", "pace"),
    [("1", Pace(1, "epochs")), ("20s", Pace(20, "seconds")), ("1m", Pace(60, "seconds"))],
)
def test_how_a_pace_is_read(text, pace):
    assert parse_pace(text) == pace
    assert parse_pace(str(pace)) == pace


@pytest.mark.parametrize("text", ["", "0", "1.5", "-1", "s", "0s", "epoch"])
def test_what_is_no_pace_is_refused(text):
    with pytest.raises(ConfigError, match=r"--prune-after|no length of time"):
        parse_pace(text)


def test_settings_are_checked():
    with pytest.raises(UnknownNameError, match="no sampler is called 'tep'; did you mean 'tpe'"):
        EngineSettings(sampler="tep").check()
    with pytest.raises(UnknownNameError, match="no pruner is called 'halve'"):
        EngineSettings(pruner="halve").check()
    with pytest.raises(ConfigError, match="--reduction: the value is 1; expected 2 to 100"):
        EngineSettings(reduction=1).check()
    with pytest.raises(ConfigError, match="--objective"):
        EngineSettings(objective="f1").check()


def test_a_base_outside_of_the_space_is_a_trial_that_optuna_does_not_hear_of():
    engine = Engine(SPACE, EngineSettings())
    outside = {"a.x": 7.0, "a.y": 1, "a.z": [1]}
    assert engine.replay(0, outside) == outside
    assert engine.report(0, 1, 1, 0.5) is False
    engine.tell(0, "finished", 0.5)
    assert engine.study.get_trials() == []
    assert engine.ask(1) == Engine(SPACE, EngineSettings()).ask(1)


def test_importance_is_of_what_made_the_difference():
    engine = Engine(SPACE, EngineSettings(sampler="random", pruner="none"))
    for number in range(1, 31):
        params = engine.ask(number)
        if number == 6:
            assert importance_of(engine) is None  # five are too few
        engine.tell(number, "finished", 10 * params["a.x"] + 0.01 * params["a.y"])
    found = importance_of(engine)
    assert found.trials == 30
    assert sum(found.shares.values()) == pytest.approx(1)
    assert found.shares["a.x"] > 0.9
    assert found == importance_of(engine)
