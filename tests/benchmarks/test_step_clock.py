"""What counts as a step, on a clock that the test sets."""

from __future__ import annotations

import pytest
from harness.step_clock import StepClock


class Clock:
    """Stands still until it is set."""

    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def now() -> Clock:
    return Clock()


def test_steps_count_from_the_warm_up_s_end(now: Clock) -> None:
    clock = StepClock(8, warm_up_seconds=2, seconds=3, now=now)
    answers = []
    for seconds in (50, 1, 1.5, 1, 0.5, 1.5):  # the last three begin after 2 s and more
        now.time += seconds
        answers.append(clock.step_ended())
    assert answers == [False] * 5 + [True]
    assert clock.result() == {"images_per_second": 3 * 8 / 3, "steps": 3, "timed_seconds": 3.0}


def test_the_step_after_a_pause_is_left_out(now: Clock) -> None:
    clock = StepClock(10, warm_up_seconds=0, seconds=1e9, now=now)
    for seconds, pauses in ((7, False), (2, False), (90, True), (3, False)):
        if pauses:
            clock.pause()
        now.time += seconds
        assert not clock.step_ended()
    assert clock.result() == {"images_per_second": 4.0, "steps": 2, "timed_seconds": 5.0}


def test_nothing_counted_is_no_rate(now: Clock) -> None:
    clock = StepClock(10, warm_up_seconds=0, seconds=0, now=now)
    for _ in range(3):
        clock.pause()
        assert not clock.step_ended()
    with pytest.raises(ValueError, match="before a step"):
        clock.result()
