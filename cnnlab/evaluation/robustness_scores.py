"""What answers to corrupted images say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnlab.data.corruptions import FAMILIES, Corruption
from cnnlab.errors import RunError
from cnnlab.evaluation.figures import Panel, Picture, severity_curves
from cnnlab.evaluation.figures.comparison import Measured
from cnnlab.files import write_bytes, write_json, write_text
from cnnlab.metrics.clustered import clustered_interval
from cnnlab.metrics.statistics import Interval, wilson_interval
from cnnlab.runs import CorruptedPredictions, Run, command_line
from cnnlab.tables import ShownAsText, text_table

__all__ = ["Robustness", "reference_answers"]


@dataclass(frozen=True, eq=False)
class Robustness(ShownAsText):
    """One run on one split under corruptions; it follows from ``predictions/SPLIT-corrupted.npz``.

    Errors are those of D. Hendrycks and T. Dietterich (ICLR 2019, arXiv:1903.12261, section 4.4);
    with a reference, its answers on the same images stand in for AlexNet's.

    Attributes
    ----------
    left_out: corruption and severity of saved answers that are not in it, since not all of these
        corruptions were measured at all of these severities.
    """

    run: Run
    split: str
    saved: CorruptedPredictions
    corruptions: list[Corruption]
    severities: list[int]
    reference: Robustness | None = field(default=None)
    left_out: tuple[tuple[str, int], ...] = ()

    def beside(self, reference: Run) -> Robustness:
        """The same, with errors related to another run's on the same images.

        Raises :class:`RunError` where that run has not been measured so.
        """
        asked = self.corruptions, self.severities
        saved = reference_answers(reference, self.run, self.split, self.saved.indices, *asked)
        return replace(self, reference=Robustness(reference, self.split, saved, *asked))

    @property
    def n(self) -> int:
        """Images, each of them seen once clean and once a corruption and severity."""
        return len(self.saved.labels)

    @cached_property
    def _right(self) -> NDArray[np.bool_]:
        """Right answers, ``[corruptions, severities, N]``."""
        answers, labels = self.saved.answers, self.saved.labels
        return np.array(
            [
                [answers[entry.name, severity] == labels for severity in self.severities]
                for entry in self.corruptions
            ]
        )

    @cached_property
    def clean(self) -> Measured:
        """Accuracy on the images as they are."""
        return self._measured(self.saved.clean == self.saved.labels)

    def _measured(self, right: NDArray[np.bool_]) -> Measured:
        return Measured(float(right.mean()), wilson_interval(int(right.sum()), self.n))

    @cached_property
    def accuracies(self) -> list[list[Measured]]:
        """Accuracy with Wilson's 95% interval, by corruption and severity."""
        return [[self._measured(right) for right in rows] for rows in self._right]

    @cached_property
    def errors(self) -> list[float]:
        """Each corruption's error, the mean over its severities."""
        return [float(1 - rows.mean()) for rows in self._right]

    @property
    def mean_corruption_error(self) -> float:
        """The mean of all corruptions' errors, unnormalised."""
        return float(np.mean(self.errors))

    @property
    def mean_corruption_error_interval(self) -> Interval:
        """Its 95% interval, images counted once (``metrics/clustered.py``)."""
        return clustered_interval(1 - self._right.mean(axis=(0, 1)))

    def drop(self, error: float) -> float | None:
        """Share of the clean accuracy that is lost at an error; None where there was none."""
        clean = self.clean.value
        return (clean - (1 - error)) / clean if clean else None

    def relative_errors(self) -> list[float | None]:
        """Each corruption's error over the reference's, "CE"; None where that made no error."""
        others = self.reference.errors if self.reference else []
        pairs = zip(self.errors, others, strict=False)
        return [error / other if other else None for error, other in pairs]

    def excess_errors(self) -> list[float | None]:
        """What each corruption adds to the clean error, over the reference's: "relative CE"."""
        if self.reference is None:
            return []
        own, other = 1 - self.clean.value, 1 - self.reference.clean.value
        pairs = zip(self.errors, self.reference.errors, strict=True)
        return [(a - own) / (b - other) if b > other else None for a, b in pairs]

    def to_dict(self) -> dict[str, Any]:
        """What ``cnnlab robustness --json`` prints."""
        error = self.mean_corruption_error
        related = self._related()
        return {
            "run": str(self.run.path),
            "split": self.split,
            "n": self.n,
            "severities": self.severities,
            "clean": {"top1": self.clean.value, "top1_interval": list(self.clean.interval)},
            "mean_corruption_error": error,
            "mean_corruption_error_interval": list(self.mean_corruption_error_interval),
            "relative_drop": self.drop(error),
            "reference": related,
            "corruptions": [
                {
                    "name": entry.name,
                    "title": entry.title,
                    "family": entry.family,
                    "top1": [cell.value for cell in cells],
                    "top1_interval": [list(cell.interval) for cell in cells],
                    "error": self.errors[number],
                    "relative_drop": self.drop(self.errors[number]),
                    **({"ce": self.relative_errors()[number]} if related else {}),
                    **({"relative_ce": self.excess_errors()[number]} if related else {}),
                }
                for number, (entry, cells) in enumerate(
                    zip(self.corruptions, self.accuracies, strict=True)
                )
            ],
        }

    def _related(self) -> dict[str, Any] | None:
        if self.reference is None:
            return None
        return {
            "run": str(self.reference.run.path),
            "clean_top1": self.reference.clean.value,
            "mean_corruption_error": self.reference.mean_corruption_error,
            "mce": _mean(self.relative_errors()),
            "relative_mce": _mean(self.excess_errors()),
        }

    def headline(self) -> str:
        """Mean corruption error with what it rests on, in two or three lines."""
        low, high = self.mean_corruption_error_interval
        error = self.mean_corruption_error
        clean, drop = self.clean, self.drop(error)
        lost = "" if drop is None else f"; {_percent(drop)} of the clean accuracy is lost"
        lines = [
            f"{self.split} accuracy {clean.value:.4f} clean (95% interval "
            f"{clean.interval.low:.4f} to {clean.interval.high:.4f}, n = {self.n:,}), "
            f"{1 - error:.4f} corrupted{lost}",
            f"mean corruption error {error:.4f} (95% interval {low:.4f} to {high:.4f}) over "
            f"{len(self.corruptions)} corruptions x {len(self.severities)} severities",
        ]
        related = self._related()
        if related:
            shown = [("mCE", related["mce"]), ("relative mCE", related["relative_mce"])]
            said = ", ".join(f"{k} {v:.3f}" for k, v in shown if v is not None) or "no mCE"
            lines.append(f"beside {related['run']} (which is 1): {said}")
        return "\n".join(lines)

    def to_text(self) -> str:
        """What ``cnnlab robustness`` prints: headline, then a line a corruption."""
        header = ["corruption", "family", *(f"severity {s}" for s in self.severities)]
        header += ["error", "lost"] + (["CE"] if self.reference else [])
        drops = [self.drop(error) for error in self.errors]
        rows = [
            (
                entry.title,
                entry.family,
                *(cell.value for cell in cells),
                self.errors[number],
                None if drops[number] is None else _percent(drops[number] or 0.0),
                *(self.relative_errors()[number : number + 1] if self.reference else ()),
            )
            for number, (entry, cells) in enumerate(
                zip(self.corruptions, self.accuracies, strict=True)
            )
        ]
        return f"{self.run.path}: {self.headline()}\n\n{text_table(header, rows)}"

    def write(self, folder: Path) -> None:
        """Write ``robustness-SPLIT`` as ``.json``, ``.txt``, ``.svg`` and ``.png``."""
        stem, picture = f"robustness-{self.split}", self.picture()
        write_json(folder / f"{stem}.json", self.to_dict())
        write_text(folder / f"{stem}.txt", self.to_text() + "\n")
        write_bytes(folder / f"{stem}.svg", picture.svg())
        write_bytes(folder / f"{stem}.png", picture.png())

    def picture(self) -> Picture:
        """Accuracy against severity, a panel a corruption, a row a family."""
        panels: dict[str, list[Panel]] = {family: [] for family in FAMILIES}
        others = self.reference.accuracies if self.reference else None
        for number, entry in enumerate(self.corruptions):
            other = None if others is None else [cell.value for cell in others[number]]
            panels[entry.family].append(Panel(entry.title, self.accuracies[number], other))
        return severity_curves(
            [row for row in panels.values() if row],
            self.severities,
            clean=self.clean.value,
            name=self.run.name,
            reference=self.reference.run.name if self.reference else None,
        )


def reference_answers(
    reference: Run,
    run: Run,
    split: str,
    rows: NDArray[np.int64],
    corruptions: Sequence[Corruption],
    severities: Sequence[int],
) -> CorruptedPredictions:
    """The answers of a run to which another's errors are to be related.

    Raises :class:`RunError` where it was not measured on the same images, ``rows`` of the split,
    under all of these corruptions and severities.
    """
    asked = command_line("robustness", reference.path, "--split", split)
    saved = reference.corrupted_predictions(split)
    if reference.split["dataset"]["fingerprint"] != run.split["dataset"]["fingerprint"]:
        raise RunError(
            "it was trained on other data", where=reference.path, expected="the same images"
        )
    if saved is None or not np.array_equal(saved.indices, rows):
        raise RunError(
            f"not measured on the same {len(rows):,} {split} images",
            where=reference.path,
            todo=f"run, with the same --limit: {asked}",
        )
    names = [entry.name for entry in corruptions]
    if any((name, severity) not in saved.answers for name in names for severity in severities):
        how = f"--severities {','.join(map(str, severities))} --corruptions {','.join(names)}"
        raise RunError(
            "not measured under all of these corruptions",
            where=reference.path,
            todo=f"run: {asked} {how}",
        )
    return saved


def _mean(values: Sequence[float | None]) -> float | None:
    """The mean, None where some value is missing: a mean over others would not compare."""
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known and len(known) == len(values) else None


def _percent(share: float) -> str:
    """To a tenth; what rounds to nothing has no sign."""
    return f"{round(100 * share, 1) + 0.0:.1f}%"
