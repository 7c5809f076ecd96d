"""The temperature at which a run's probabilities are as sure as its answers are right."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from cnnlab.files import write_json
from cnnlab.metrics import at_temperature, cross_fitted_probabilities, ece, fit_temperature, nll
from cnnlab.metrics.calibration import softmax
from cnnlab.runs import Predictions, Run

__all__ = ["Calibrated", "calibrate", "save_temperature", "temperature_of"]

#: Below this a probability has no logarithm in double precision.
_LEAST = 1e-300


def save_temperature(run: Run, validation: Predictions) -> None:
    """Fit the temperature on validation and write ``predictions/temperature.json``."""
    temperature = fit_temperature(validation.logits, validation.labels)
    record = {
        "temperature": temperature,
        "fitted_on": "validation",
        "n": len(validation.labels),
    }
    write_json(run.temperature_file, record)


def temperature_of(run: Run) -> float | None:
    """The temperature that was fitted on validation; None where validation was not evaluated.

    Runs that were evaluated before temperatures were kept have theirs fitted here.
    """
    if run.temperature is not None:
        return run.temperature
    validation = run.predictions("validation")
    return None if validation is None else fit_temperature(validation.logits, validation.labels)


@dataclass(frozen=True)
class Calibrated:
    """What the temperature changes, on images that did not help to choose it.

    Attributes
    ----------
    temperature: fitted on the run's validation images.
    n: images on which before and after were measured.
    measured_on: which these are, and why they are independent, in words.
    ece_before, ece_after, nll_before, nll_after: with softmax(logits) and softmax(logits / T).
    """

    temperature: float
    n: int
    measured_on: str
    ece_before: float
    ece_after: float
    nll_before: float
    nll_after: float

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {"fitted_on": "validation", **asdict(self)}

    def to_text(self) -> str:
        """One line for a reader."""
        return (
            f"temperature {self.temperature:.3f}, fitted on validation: ECE {self.ece_before:.4f} "
            f"before, {self.ece_after:.4f} after; NLL {self.nll_before:.4f} before, "
            f"{self.nll_after:.4f} after ({self.measured_on})"
        )


def calibrate(run: Run, split: str, predictions: Predictions) -> Calibrated | None:
    """Measure the temperature's effect on a split of the run.

    On test with the temperature of validation; on validation itself, fifth by fifth, with the
    one that fits the other four. None where there is no temperature, or fewer than five images.
    """
    temperature = temperature_of(run)
    if temperature is None:
        return None
    logits, labels = predictions.logits, predictions.labels
    if split == "validation":
        after = cross_fitted_probabilities(logits, labels)
        measured_on = "validation, each fifth at the temperature that fits the other four"
    else:
        after = at_temperature(logits, temperature)
        measured_on = f"{split}, which did not help to fit it"
    if after is None:
        return None
    return Calibrated(
        temperature=temperature,
        n=len(labels),
        measured_on=measured_on,
        ece_before=ece(softmax(logits), labels),
        ece_after=ece(after, labels),
        nll_before=nll(logits, labels),
        nll_after=nll(np.log(np.maximum(after, _LEAST)), labels),
    )
