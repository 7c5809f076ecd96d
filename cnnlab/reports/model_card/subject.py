"""What a model card is about: a trained network, and its run where there is one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cnnlab.bundle import Bundle, bundle_of, open_bundle
from cnnlab.evaluation.evaluate import SPLITS, Evaluation
from cnnlab.reports.record import RunRecord, records_of
from cnnlab.runs import Run, as_run

__all__ = ["CardSubject", "open_subject"]


@dataclass(frozen=True, eq=False)
class CardSubject:
    """A network as a card sees it.

    Attributes
    ----------
    bundle: the network and what it needs.
    record: the run it comes from; None of a bundle's file, which knows little of it.
    dataset_id: what the images are called on the hub.
    license: as the user said it; None where nothing was said.
    """

    bundle: Bundle
    record: RunRecord | None
    dataset_id: str | None
    license: str | None

    @property
    def evaluations(self) -> list[Evaluation]:
        """What was measured, validation first; test only where it was opened."""
        if self.record is None:
            return []
        found = [self.record.evaluation(split) for split in SPLITS]
        return [evaluation for evaluation in found if evaluation is not None]

    @property
    def dataset_name(self) -> str:
        """What the images are called here."""
        return str(self.bundle.origin.get("dataset", "unknown"))

    @property
    def model_name(self) -> str:
        """What the architecture is called."""
        return self.bundle.architecture.name


def open_subject(
    source: Run | Path | str,
    *,
    runs: Path = Path("runs"),
    dataset_id: str | None = None,
    license: str | None = None,
) -> CardSubject:
    """Open a run, its directory or name, or a bundle's file; :class:`RunError` for what is none."""
    if not isinstance(source, Run) and Path(source).is_file():
        return CardSubject(open_bundle(source), None, dataset_id, license)
    run = as_run(source, runs=runs)
    return CardSubject(bundle_of(run), records_of([run])[0], dataset_id, license)
