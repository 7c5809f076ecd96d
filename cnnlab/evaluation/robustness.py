"""A run's accuracy on corrupted images: answers saved, everything said computed from them."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations

import numpy as np
import torch
from numpy.typing import NDArray

from cnnlab.data.corruptions import SEVERITIES, VERSION, Corruption, chosen_corruptions, corrupt
from cnnlab.data.source import Say, unsaid
from cnnlab.device import choose_device, set_up_torch
from cnnlab.errors import InputError, RunError
from cnnlab.evaluation.evaluate import SplitName
from cnnlab.evaluation.ledger import enter_test_opening
from cnnlab.evaluation.robustness_scores import Robustness, reference_answers
from cnnlab.files import sha256_of_file, write_bytes, write_json
from cnnlab.inference import Preprocessing, load_network, predict_logits
from cnnlab.runs import AnyRun, CorruptedPredictions, Run, as_run

__all__ = ["robustness", "robustness_of"]

#: Images that are corrupted at once by a thread: few enough for its cache, and for large images.
_BLOCK, _BLOCK_BYTES = 250, 8 << 20
#: Blocks that wait for the network together.
_BLOCKS = 8


def robustness_of(run: Run, split: SplitName) -> Robustness | None:
    """What the saved answers say, of all that they hold; None where there are none."""
    saved = run.corrupted_predictions(split)
    if saved is None or not saved.answers:
        return None
    # Answers of a corruption that this cnnlab does not have are left where they are.
    names = {name for name, _ in saved.answers}
    known = [entry for entry in chosen_corruptions() if entry.name in names]
    corruptions, severities = _largest_table(known, saved.answers)
    shown = {(entry.name, severity) for entry in corruptions for severity in severities}
    left_out = tuple(
        (entry.name, severity)
        for entry in known
        for severity in SEVERITIES
        if (entry.name, severity) in saved.answers and (entry.name, severity) not in shown
    )
    if not corruptions:
        return None
    return Robustness(run, split, saved, corruptions, severities, left_out=left_out)


def _largest_table(
    known: Sequence[Corruption], answers: Container[tuple[str, int]]
) -> tuple[list[Corruption], list[int]]:
    """The corruptions and severities, each measured at each, that have the most answers."""

    def measured_at(severities: Sequence[int]) -> list[Corruption]:
        return [e for e in known if all((e.name, severity) in answers for severity in severities)]

    tables = [
        (measured_at(severities), list(severities))
        for count in range(len(SEVERITIES), 0, -1)
        for severities in combinations(SEVERITIES, count)
    ]
    return max(tables, key=lambda table: len(table[0]) * len(table[1]))


def robustness(
    run: AnyRun,
    split: SplitName = "validation",
    *,
    corruptions: Sequence[str] | None = None,
    severities: Sequence[int] = SEVERITIES,
    limit: int | None = None,
    reference: AnyRun | None = None,
    device: str | None = None,
    command: str | None = None,
    say: Say = unsaid,
) -> Robustness:
    """Predict a split's images under corruptions, save the answers and score them.

    Answers that the run already holds, of the same images and weights, are not made again, so a
    measurement that was cut off goes on; other ones are replaced. Results go to
    ``predictions/SPLIT-corrupted.npz``, ``robustness-SPLIT.json`` and
    ``figures/robustness-SPLIT.svg``. Opening test is written to the run's ledger.

    Parameters
    ----------
    corruptions: names or families; all where None.
    severities: of 1 to 5.
    limit: measure on so many images, spread evenly over the split; on all where None.
    reference: a run to which errors are related; measured before, on the same images.

    Raises :class:`InputError` for what cannot be asked for, and :class:`RunError` as
    :func:`cnnlab.evaluation.evaluate.evaluate` does, or where the reference does not fit.
    """
    run = as_run(run)
    reference = None if reference is None else as_run(reference)
    chosen = chosen_corruptions(corruptions)
    asked = _checked_severities(severities)
    rows = _rows(run, split, limit)
    if reference is not None:  # before test is opened, and before hours of work
        reference_answers(reference, run, split, rows, chosen, asked)
    measurement = _Measurement(run, split, rows, device, say)
    if split == "test":
        found = measurement.saved
        top1 = float((found.clean == found.labels).mean())
        enter_test_opening(run, n=len(rows), top1=top1, command=command)
    for entry in chosen:
        measurement.measure(entry, asked)
    result = Robustness(run, split, measurement.saved, chosen, asked)
    if reference is not None:
        result = result.beside(reference)
    write_json(run.path / f"robustness-{split}.json", result.to_dict())
    write_bytes(run.path / "figures" / f"robustness-{split}.svg", result.picture().svg())
    return result


def _checked_severities(severities: Sequence[int]) -> list[int]:
    wrong = [severity for severity in severities if severity not in SEVERITIES]
    if wrong or not severities:
        said = ", ".join(map(str, wrong)) or "none"
        raise InputError(f"severities: {said}", expected="whole numbers from 1 to 5")
    return sorted(set(severities))


def _rows(run: Run, split: SplitName, limit: int | None) -> NDArray[np.int64]:
    rows = np.array(run.split[split], dtype=np.int64)
    if len(rows) < 2:
        raise RunError(f"its {split} split holds {len(rows)} images", where=run.path)
    if limit is None or limit >= len(rows):
        return rows
    if limit < 2:
        raise InputError(f"a limit of {limit} images", expected="at least 2")
    return rows[np.arange(limit) * len(rows) // limit]


class _Measurement:
    """Network, images and the answers so far."""

    def __init__(
        self, run: Run, split: SplitName, rows: NDArray[np.int64], device: str | None, say: Say
    ) -> None:
        config = run.typed_config()
        set_up_torch(config.threads or 1)
        self._run, self._split, self._rows, self._say = run, split, rows, say
        self._network = load_network(run, choose_device(device or config.device).name)
        dataset = run.open_dataset(say)
        self._images = dataset.images
        self._preprocessing = Preprocessing.from_dict(run.preprocessing)
        made_by = f"{sha256_of_file(run.best_weights)} {VERSION}"
        before = run.corrupted_predictions(split)
        same = before is not None and before.made_by == made_by
        if before is not None and same and np.array_equal(before.indices, rows):
            self.saved = before
            return
        if before is not None:
            say(f"{run.path}: its answers to other images or weights are replaced")
        logits = predict_logits(self._network, self._images, self._preprocessing, rows=rows)
        labels = dataset.labels[rows]
        self.saved = CorruptedPredictions(_classes(logits), labels, rows, made_by, {})

    def measure(self, entry: Corruption, severities: Sequence[int]) -> None:
        """Add what is missing of one corruption, and save it."""
        answers = dict(self.saved.answers)
        missing = [severity for severity in severities if (entry.name, severity) not in answers]
        for severity in missing:
            blocks = list(self._answers(entry.name, severity))
            answers[entry.name, severity] = np.concatenate(blocks)
        if not missing:
            return
        right = [float((answers[entry.name, s] == self.saved.labels).mean()) for s in missing]
        accuracies = " ".join(f"{share:.4f}" for share in right)
        self._say(
            f"{entry.title}: accuracy {accuracies} at severity {', '.join(map(str, missing))}"
        )
        saved = self.saved
        self.saved = CorruptedPredictions(
            saved.clean, saved.labels, saved.indices, saved.made_by, answers
        )
        self._run.save_corrupted_predictions(self._split, self.saved)

    def _answers(self, name: str, severity: int) -> Iterator[NDArray[np.int64]]:
        """Predicted classes, some blocks of images at a time; threads share the corrupting."""
        size = int(np.prod(self._images.shape[1:]))
        block = max(1, min(_BLOCK, _BLOCK_BYTES // size))
        starts = range(0, len(self._rows), block)

        def corrupted(start: int) -> NDArray[np.uint8]:
            rows = self._rows[start : start + block]
            return corrupt(np.ascontiguousarray(self._images[rows]), name, severity, rows)

        with ThreadPoolExecutor(torch.get_num_threads()) as threads:
            for first in range(0, len(starts), _BLOCKS):
                images = np.concatenate(
                    list(threads.map(corrupted, starts[first : first + _BLOCKS]))
                )
                yield _classes(predict_logits(self._network, images, self._preprocessing))


def _classes(logits: NDArray[np.float32]) -> NDArray[np.int64]:
    """The predicted classes; of equal logits the lowest index wins."""
    return np.asarray(logits.argmax(axis=1), dtype=np.int64)
