"""How long a training will take, said once by its own first steps."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from cnnlab.config import TrainingConfig
from cnnlab.errors import MemoryLimitError, RunError
from cnnlab.files import write_json
from cnnlab.runs import Run
from cnnlab.training.events import Notice, Watcher
from cnnlab.training.resizing import COST_EXPONENT, Size, SizeSchedule
from cnnlab.training.stages import Length, Stage

__all__ = ["TimeForecast"]

#: So much of training is watched before anything is said, after a few steps that are slower.
_WATCHED_SECONDS = 4.0
_WATCHED_STEPS = 5
_WARM_UP_STEPS = 3

#: A training that is over sooner needs no forecast.
_WORTH_SAYING_SECONDS = 30.0

#: Where images are small at first, a longer training may try some steps with whole ones.
_WORTH_TRYING_SECONDS = 120.0
#: No step with small images costs less than its pixels to this power.
_STEEPEST = 1.5

#: What an image costs where it is only looked at, as a share of a training step.
_EVALUATION_SHARE = 0.4


class TimeForecast:
    """Watches the first steps of a process, then says when all stages may be over.

    Early stopping may end them sooner. What was said is kept in ``forecast.json``.

    ``whole_step``, where given, tries what a step with whole images takes: how much less small ones
    cost depends on the machine.
    """

    def __init__(
        self,
        run: Run,
        stages: Sequence[Stage],
        training: TrainingConfig,
        *,
        image_size: Size,
        validation_images: int,
        watch: Watcher,
        whole_step: Callable[[], float] | None = None,
        now: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._run, self._training, self._watch, self._now = run, training, watch, now
        self._steps = [Length.of(len(stage.train), training) for stage in stages]
        self._sizes = [
            SizeSchedule(training.progressive_resizing, full=image_size, steps=length.steps)
            for length in self._steps
        ]
        self._evaluated = [len(stage.inner) or validation_images for stage in stages]
        self._whole_step, self._exponent = whole_step, COST_EXPONENT
        self._began: tuple[int, float] | None = None
        self._seen = 0
        self._said = False

    def step_done(self, total_steps: int) -> None:
        """Take note that the step with this number, of all stages, has ended."""
        if self._said:
            return
        self._seen += 1
        if self._seen <= _WARM_UP_STEPS or self._began is None:
            self._began = (total_steps, self._now())
            return
        first, began = self._began
        steps, seconds = total_steps - first, self._now() - began
        if seconds >= _WATCHED_SECONDS and steps >= _WATCHED_STEPS:
            self._said = True
            self._tell(total_steps, steps, seconds)

    def _tell(self, total_steps: int, steps: int, seconds: float) -> None:
        first = total_steps - steps
        left, step_seconds = self._seconds_left(first, total_steps, seconds)
        if left >= _WORTH_TRYING_SECONDS:
            share = self._work(first, total_steps, exponent=1.0) / steps
            self._try_whole_step(share, seconds / steps)
            left, step_seconds = self._seconds_left(first, total_steps, seconds)
        record = {"seconds_left": round(left, 1), "step": total_steps, "step_seconds": step_seconds}
        try:
            before = self._run.forecast
        except RunError:  # gone or damaged: a forecast never ends a training
            before = {}
        write_json(self._run.path / "forecast.json", {**before, "time": record})
        if left >= _WORTH_SAYING_SECONDS:
            end = datetime.now().astimezone() + timedelta(seconds=left)
            upto = "up to" if self._training.early_stopping is not None else "about"
            self._watch(
                Notice(
                    f"forecast: {upto} {_duration(left)} more, until {end:%H:%M} "
                    f"(by {steps:,} steps of {1000 * seconds / steps:.3g} ms)"
                )
            )

    def _try_whole_step(self, share: float, seconds: float) -> None:
        """Learn what images of a ``share`` of the pixels save, where their steps take ``seconds``.

        A forecast never ends a training: what has no memory to be tried is left out.
        """
        if self._whole_step is None or share >= 1:
            return
        with suppress(MemoryLimitError):
            cost = seconds / self._whole_step()
            self._exponent = min(max(math.log(cost) / math.log(share), 0.0), _STEEPEST)

    def _work(self, first: int, end: int, exponent: float | None = None) -> float:
        """What the steps from ``first`` up to ``end`` of all stages cost, in whole-image steps."""
        exponent = self._exponent if exponent is None else exponent
        work, begins = 0.0, 0
        for length, sizes in zip(self._steps, self._sizes, strict=True):
            begin, stop = (min(max(step - begins, 0), length.steps) for step in (first, end))
            work += sizes.work(begin, stop, exponent)
            begins += length.steps
        return work

    def _seconds_left(self, first: int, total_steps: int, seconds: float) -> tuple[float, float]:
        """Seconds of steps that are left and of what is watched, and of a step with whole images.

        The steps from ``first`` up to ``total_steps`` took ``seconds``.
        """
        step_seconds = seconds / self._work(first, total_steps)
        image_seconds = _EVALUATION_SHARE * step_seconds / self._training.batch_size
        all_steps = sum(length.steps for length in self._steps)
        left, begins = self._work(total_steps, all_steps) * step_seconds, 0
        for length, images in zip(self._steps, self._evaluated, strict=True):
            steps_left = min(max(begins + length.steps - total_steps, 0), length.steps)
            epochs_left = -(-steps_left // length.batches)
            evaluations = -(-epochs_left // self._training.watch_every)
            left += evaluations * images * image_seconds
            begins += length.steps
        return left, step_seconds


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
