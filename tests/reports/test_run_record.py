"""A run as the sections of a report see it."""

from __future__ import annotations

import pytest

from cnnlab.errors import RunError
from cnnlab.reports.record import RunRecord
from cnnlab.runs import Predictions, Run


def test_predictions_of_rows_that_the_images_lack_are_an_error(pictured_run: Run) -> None:
    saved = pictured_run.predictions("validation")
    record = RunRecord(pictured_run, "pictured", "pictured")
    assert saved is not None
    assert record.images is not None
    assert record.evaluation("validation") is not None
    indices = saved.indices.copy()
    indices[-1] = len(record.images.images)
    damaged = Predictions(saved.logits, saved.labels, indices)
    pictured_run.save_predictions("validation", damaged)
    try:
        with pytest.raises(RunError, match=r"predictions of row .*; run: cnnlab evaluate"):
            RunRecord(pictured_run, "pictured", "pictured").evaluation("validation")
    finally:
        pictured_run.save_predictions("validation", saved)
