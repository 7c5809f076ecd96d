"""Schedules: bounds, ends, steps between neighbours, options."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnlab.errors import ConfigError, UnknownNameError
from cnnlab.optim import SCHEDULES, schedule_factor, schedule_options

totals = st.integers(1, 5000)
shares = st.floats(0, 1)


@st.composite
def moments(draw: st.DrawFn) -> tuple[int, int]:
    total = draw(totals)
    return draw(st.integers(0, total)), total


@st.composite
def settings_of(draw: st.DrawFn, name: str) -> dict[str, Any]:
    drawn = {
        "final": shares,
        "start": shares,
        "warmup": st.floats(0, 0.99),
        "peak": st.floats(0.01, 0.99),
    }
    return {key: draw(drawn[key]) for key in SCHEDULES.get(name).options}


@pytest.mark.parametrize("name", SCHEDULES.names())
@given(data=st.data(), moment=moments())
def test_every_schedule_stays_within_its_bounds_and_moves_smoothly(
    name: str, data: st.DataObject, moment: tuple[int, int]
) -> None:
    options = data.draw(settings_of(name))
    step, total = moment
    factor = schedule_factor(name, step, total, **options)
    assert 0 <= factor <= 1
    if step < total:
        # The steepest piece falls, or rises, by all of 1 over its length (a cosine by π/2 of it).
        shortest = min(
            options.get("peak", 1),
            1 - options.get("peak", 0),
            1 - options.get("warmup", 0),
            options.get("warmup") or 1,
        )
        steepest = 1.58 / (shortest * total)
        assert abs(schedule_factor(name, step + 1, total, **options) - factor) <= steepest + 1e-9


@pytest.mark.parametrize("name", SCHEDULES.names())
@given(data=st.data(), total=totals)
def test_every_schedule_ends_at_its_final_value(name: str, data: st.DataObject, total: int) -> None:
    options = data.draw(settings_of(name))
    assert schedule_factor(name, total, total, **options) == pytest.approx(options.get("final", 1))


@given(total=totals, final=shares)
def test_without_warmup_the_first_step_has_the_full_rate(total: int, final: float) -> None:
    for name in ("constant", "linear", "cosine"):
        options = {} if name == "constant" else {"final": final}
        assert schedule_factor(name, 0, total, **options) == 1


@given(total=st.integers(2, 5000), name=st.sampled_from(["linear", "cosine"]))
def test_warmup_starts_above_zero_and_reaches_the_peak(total: int, name: str) -> None:
    factors = [schedule_factor(name, step, total, warmup=0.5) for step in range(total)][:200]
    assert factors[0] == pytest.approx(1 / (0.5 * total + 1))
    if total % 2 == 0:
        assert schedule_factor(name, total // 2, total, warmup=0.5) == pytest.approx(1)


def test_known_values() -> None:
    assert schedule_factor("linear", 25, 100) == 0.75
    assert schedule_factor("linear", 50, 100, final=0.5) == 0.75
    assert schedule_factor("cosine", 50, 100) == pytest.approx(0.5)
    assert schedule_factor("cosine", 25, 100) == pytest.approx((1 + 2**-0.5) / 2)
    assert schedule_factor("triangle", 0, 100, start=0.2, peak=0.25) == 0.2
    assert schedule_factor("triangle", 25, 100, start=0.2, peak=0.25) == 1
    assert schedule_factor("triangle", 100, 100, final=0.07) == pytest.approx(0.07)


def test_errors() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'cosine'"):
        schedule_options("cosin")
    with pytest.raises(UnknownNameError, match="linear has no option 'end'"):
        schedule_options("linear", {"end": 0})
    with pytest.raises(
        ConfigError, match="triangle, peak: the value is 1; expected a number above"
    ):
        schedule_options("triangle", {"peak": 1})
    for step, total in ((-1, 5), (6, 5), (0, 0)):
        with pytest.raises(ValueError, match="step"):
            schedule_factor("constant", step, total)


@pytest.mark.parametrize("name", SCHEDULES.names())
def test_every_schedule_says_what_it_is(name: str) -> None:
    assert SCHEDULES.get(name).description
    assert schedule_options(name, schedule_options(name)) == schedule_options(name)
