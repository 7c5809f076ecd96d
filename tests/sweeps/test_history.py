"""A journal and what follows from it."""

import pytest

from cnnlab.errors import RunError
from cnnlab.sweeps import History, event

EVENTS = [
    event("session", 0.0),
    event("start", 0.1, trial=0, params={"a": 1}),
    event("epoch", 1.0, trial=0, stage=1, epoch=1, value=0.5, spent=0.9, pruned=False),
    event("epoch", 2.0, trial=0, stage=1, epoch=2, value=None, spent=1.9, pruned=False),
    event("end", 2.1, trial=0, state="finished", value=0.7, said=""),
    event("start", 2.2, trial=1, params={"a": 2}),
    event("epoch", 3.0, trial=1, stage=1, epoch=1, value=0.4, spent=0.8, pruned=True),
    event("end", 3.2, trial=1, state="pruned", value=None, said=""),
    event("start", 4.0, trial=2, params={"a": 3}),
    event("candidates", 5.0, trials=[0]),
    event("fresh", 5.0, trial=0, seed=1),
    event("done", 9.0, trial=0, seed=1, value=0.6, said=""),
    event("fresh", 9.0, trial=0, seed=2),
]


def folded():
    history = History()
    for one in EVENTS:
        history.apply(one)
    return history


def test_events_add_up():
    history = folded()
    assert [trial.state for trial in history.trials.values()] == ["finished", "pruned", "running"]
    assert [trial.last_value for trial in history.trials.values()] == [0.7, 0.4, None]
    assert history.trials[0].seen(1, 2)
    assert not history.trials[0].seen(2, 1)
    assert [trial.number for trial in history.unended()] == [2]
    assert [trial.number for trial in history.ranked(larger=True)] == [0]
    assert history.full_seconds() == pytest.approx((2.0 + 4.0) / 2)  # one trial, one fresh run
    assert history.fresh_values(0) == {1: 0.6}
    assert (history.seconds, history.sessions, history.candidates) == (9.0, 1, [0])


def test_ranking_breaks_ties_by_the_earlier_and_turns_round_for_a_loss():
    history = History()
    for number, value in enumerate([0.5, 0.9, 0.9, 0.1]):
        history.apply(event("start", number, trial=number, params={}))
        history.apply(event("end", number, trial=number, state="finished", value=value, said=""))
    assert [trial.number for trial in history.ranked(larger=True)] == [1, 2, 0, 3]
    assert [trial.number for trial in history.ranked(larger=False)] == [3, 0, 1, 2]


@pytest.mark.parametrize(
    "line",
    [
        {"event": "end", "seconds": 1, "trial": 7, "state": "finished", "value": 1, "said": ""},
        {"event": "nothing", "seconds": 1},
        {"event": "start", "seconds": 1, "trial": "x", "params": {}},
        {"event": "start", "seconds": "later", "trial": 1, "params": {}},
        {"event": "epoch", "seconds": 1, "trial": 2},
        {"event": "start", "seconds": 1, "trial": 1, "params": 3},
    ],
)
def test_a_line_that_means_nothing_is_named(line):
    with pytest.raises(RunError, match=r"study.jsonl, line 4: damaged .*remove the line"):
        folded().follow(line, where="study.jsonl, line 4")
