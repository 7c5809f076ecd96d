"""Look for what is wrong with a dataset, and write it down: the composition behind the verb."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from cnnlab.config import DataConfig
from cnnlab.data import PARTS, Dataset, open_dataset, open_sound, survey_files
from cnnlab.data.folds import draw_folds
from cnnlab.errors import DataError, RunError
from cnnlab.evaluation.audit.accuracy import TwinAccuracy, twin_accuracy
from cnnlab.evaluation.audit.balance import class_balance
from cnnlab.evaluation.audit.drift import find_drift
from cnnlab.evaluation.audit.duplicates import Duplicates, copies_between, find_duplicates
from cnnlab.evaluation.audit.findings import CHECKS, Findings
from cnnlab.evaluation.audit.kept import keep_in_run
from cnnlab.evaluation.audit.label_errors import LabelErrors, label_errors
from cnnlab.evaluation.audit.quality import constant_rows, odd_files
from cnnlab.evaluation.audit.records import findings_csv, findings_record
from cnnlab.evaluation.audit.text import findings_text
from cnnlab.files import atomic_path, storage_errors, write_json, write_text
from cnnlab.reports import write_document
from cnnlab.reports.audit import build_audit
from cnnlab.runs import Run
from cnnlab.tables import ShownAsText
from cnnlab.training.events import Notice, Watcher, unwatched
from cnnlab.workflows.dataset_card import reading_config
from cnnlab.workflows.out_of_fold import TrainingPlan

__all__ = ["Audit", "TrainingPlan", "audit", "audit_into", "write_audit"]

_T = TypeVar("_T")


@dataclass(frozen=True, eq=False)
class Audit(ShownAsText):
    """Findings, and the files that they were written to."""

    findings: Findings
    folder: Path | None = None

    @property
    def report(self) -> Path | None:
        """The page to open first."""
        return None if self.folder is None else self.folder / "report.html"

    def to_dict(self) -> dict[str, Any]:
        """What ``cnnlab audit --json`` prints."""
        report = None if self.report is None else str(self.report)
        return {**findings_record(self.findings), "report": report}

    def to_text(self) -> str:
        """What ``cnnlab audit`` prints."""
        text = findings_text(self.findings)
        return text if self.report is None else f"{text}\n\nreport: {self.report}"


def audit(
    source: str,
    *,
    run: Run | None = None,
    checks: Sequence[str] = CHECKS,
    plan: TrainingPlan | None = None,
    settings: Mapping[str, Any] | None = None,
    overrides: Sequence[str] = (),
    watch: Watcher = unwatched,
) -> Audit:
    """Look into all images of a dataset, those of test, too; nothing is written.

    No run's test is opened by it: the networks that judge labels are trained here, on folds of
    all images, and thrown away.

    Parameters
    ----------
    source: a dataset's name, or a path.
    run: whose split is looked at instead of the dataset's own parts, and whose saved predictions
        are scored with and without copies; it must be of this dataset.
    checks: some of :data:`cnnlab.evaluation.audit.findings.CHECKS`.
    settings, overrides: how the images are read, as for
        :func:`cnnlab.workflows.dataset_card.dataset_card`.

    Raises what opening the dataset does, except for broken files, which are findings; and what
    training does.
    """
    config = reading_config(source, settings or {}, overrides)
    auditor = _Auditor(config, run, tuple(checks), plan or TrainingPlan(), watch)
    return Audit(auditor.findings())


def audit_into(folder: Path | None, source: str, **asked: Any) -> Audit:
    """Audit, and write it into ``folder``; None: ``audits/`` and the dataset's name.

    ``asked`` is what :func:`audit` takes; a ``run`` among it keeps which copies its split has, for
    its report. A folder that cannot be written is an error before any work is done.
    """
    if folder is not None:
        _check_writable(folder)
    done = audit(source, **asked)
    if asked.get("run") is not None:
        keep_in_run(done.findings, asked["run"])
    stem = "".join(
        letter if letter.isalnum() or letter in "._+-" else "-"
        for letter in done.findings.dataset.name.lower()
    )
    return write_audit(done, folder or Path("audits") / (stem.strip(".")[:100] or "data"))


def _check_writable(folder: Path) -> None:
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)


def write_audit(done: Audit, folder: Path) -> Audit:
    """Write ``report.html``, ``report.md``, ``findings.csv``, ``findings.json`` and, where labels
    were judged, the folds and probabilities (``out-of-fold.npz``); return it with its folder.
    """
    findings = done.findings
    write_document(build_audit(findings), folder)
    write_text(folder / "findings.csv", findings_csv(findings))
    write_json(folder / "findings.json", findings_record(findings))
    found = findings.label_errors
    if found is not None:
        path = folder / "out-of-fold.npz"
        with atomic_path(path) as temporary, temporary.open("wb") as stream:
            labels = findings.dataset.labels
            np.savez(stream, probabilities=found.probabilities, labels=labels, folds=found.folds)
    return Audit(findings, folder)


class _Auditor:
    """One audit, check by check."""

    def __init__(
        self,
        config: DataConfig,
        run: Run | None,
        checks: tuple[str, ...],
        plan: TrainingPlan,
        watch: Watcher,
    ) -> None:
        self._config, self._run, self._checks = config, run, checks
        self._plan, self._watch = plan, watch
        self._seconds: dict[str, float] = {}
        self._left_out: dict[str, str] = {}
        self._broken: dict[str, str] = {}
        self._survey = survey_files(config.source, config.read_options())
        self._dataset = self._opened()
        self._parts = self._parts_of(self._dataset)

    def _say(self, line: str) -> None:
        self._watch(Notice(line))

    def _opened(self) -> Dataset:
        """The dataset; without the files that cannot be read, where there are any."""
        options = self._config.read_options()
        try:
            return open_dataset(
                self._config.source, options=options, say=self._say, tell_notes=False
            )
        except DataError:
            self._broken = {} if self._survey is None else self._survey.broken()
            if self._survey is None or not self._broken:
                raise
        self._say(f"{len(self._broken):,} files cannot be read; the audit is of the others")
        return open_sound(self._survey, options)

    def _parts_of(self, dataset: Dataset) -> dict[str, NDArray[np.int64]]:
        run = self._run
        if run is None:
            rows = {part: dataset.rows_of(part) for part in PARTS}
        else:
            recorded = run.split["dataset"]["fingerprint"]
            if recorded != dataset.fingerprint:
                raise RunError(
                    f"the run is of other images: their fingerprint is {recorded[:12]}",
                    where=run.path,
                    expected=f"{dataset.fingerprint[:12]}, that of {dataset.name}",
                    todo="name the data that it was trained on, read the same way",
                )
            split = run.rows()
            rows = {part: split.rows(part) for part in PARTS}
        return {part: some for part, some in rows.items() if len(some)}

    def findings(self) -> Findings:
        """Do what was asked for, and nothing else."""
        data, parts = self._dataset, self._parts
        constant = self._done("images", lambda: constant_rows(data.images))
        duplicates = self._done("duplicates", lambda: find_duplicates(data.images, data.labels))
        groups = None if duplicates is None else duplicates.groups
        return Findings(
            dataset=data,
            parts=parts,
            files=self._files(),
            broken=self._broken,
            odd=self._odd_files() if constant is not None else (),
            constant=constant,
            duplicates=duplicates,
            copies=copies_between(duplicates, parts) if duplicates is not None else (),
            accuracy=self._accuracy(duplicates),
            balance=self._done(
                "balance", lambda: class_balance(data.labels, len(data.class_names), parts)
            ),
            drift=self._done("drift", lambda: find_drift(data.images, parts, groups=groups)),
            label_errors=self._label_errors(duplicates),
            left_out=self._left_out,
            seconds=self._seconds,
        )

    def _done(self, check: str, work: Callable[[], _T]) -> _T | None:
        """Do a check, if it was asked for, and note how long it took."""
        if check not in self._checks:
            return None
        self._say(f"looking at {check.replace('-', ' ')}")
        began = time.perf_counter()
        result = work()
        self._seconds[check] = round(time.perf_counter() - began, 2)
        return result

    def _files(self) -> Sequence[str] | None:
        if self._survey is None:
            return None
        survey = self._survey.sound() if self._broken else self._survey
        return survey.layout.files

    def _odd_files(self) -> Any:
        if self._survey is None:
            return ()
        headers = self._survey.inventory.headers
        return odd_files(self._survey.layout.files, headers, self._dataset.image_shape[0])

    def _accuracy(self, duplicates: Duplicates | None) -> list[TwinAccuracy]:
        """Of the run's saved predictions; what was never predicted stays so."""
        if self._run is None or duplicates is None:
            return []
        scored = []
        train = self._run.rows().train
        for split in ("validation", "test"):
            predictions = self._run.predictions(split)
            if predictions is not None:
                scored.append(twin_accuracy(split, predictions, duplicates.groups, train))
        return scored

    def _label_errors(self, duplicates: Duplicates | None) -> LabelErrors | None:
        if "label-errors" not in self._checks:
            return None
        labels = self._dataset.labels
        reason = self._why_no_training(labels)
        if reason is not None:
            self._left_out["label-errors"] = reason
            return None
        groups = np.arange(len(labels)) if duplicates is None else duplicates.groups
        folds = draw_folds(labels, groups, folds=self._plan.folds, seed=self._plan.seed)

        def work() -> LabelErrors:
            predicted = self._plan.predict(self._config, folds, self._watch)
            return label_errors(predicted, labels, folds)

        return self._done("label-errors", work)

    def _why_no_training(self, labels: NDArray[np.int64]) -> str | None:
        if self._broken:
            return "files cannot be read, and training refuses them; mend or remove them first"
        if len(np.unique(labels)) < 2:
            return "all images have one label"
        if len(labels) < 2 * self._plan.folds:
            return f"{len(labels)} images are too few for {self._plan.folds} folds"
        return None
