import json

from hypothesis import given
from hypothesis import strategies as st

from cnnlab.config import EarlyStoppingConfig
from cnnlab.training.state import Patience, TrainingState


def test_state_survives_json_exactly():
    state = TrainingState()
    state.position.epoch, state.position.step = 3, 17
    state.sums.add(0.1, 3, 7)
    state.patience.judge(0.3, 2, larger=True)
    state.chosen_epoch = {"stage": 1, "epoch": 2}
    again = TrainingState.from_dict(json.loads(json.dumps(state.to_dict())))
    assert again == state


def test_patience_waits_for_a_gain_larger_than_its_threshold():
    patience = Patience()
    stopping = EarlyStoppingConfig(patience=2)
    judged = [
        patience.judge(loss, epoch, larger=False, min_delta=0.1)
        for epoch, loss in enumerate([1.0, 0.95, 0.8, 0.85], start=1)
    ]
    assert judged == [True, False, True, False]
    assert not patience.exhausted(stopping)
    assert not patience.exhausted(None)
    patience.judge(0.9, 5, larger=False)
    assert patience.exhausted(stopping)
    assert (patience.best, patience.best_epoch) == (0.8, 3)


@given(st.lists(st.floats(0, 1), min_size=1), st.booleans())
def test_the_best_epoch_is_the_first_with_the_best_value(values, larger):
    patience = Patience()
    for epoch, value in enumerate(values, start=1):
        patience.judge(value, epoch, larger=larger)
    best = max(values) if larger else min(values)
    assert patience.best == best
    assert patience.best_epoch == values.index(best) + 1
