"""Whether images that choose or report have trained the run that training starts from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from cnnlab.data import Dataset, Split
from cnnlab.data.repeats import digests_of
from cnnlab.errors import CnnlabError, ConfigError
from cnnlab.runs import Run, open_run

__all__ = ["count_seen"]

_SPLIT_KEYS = ("split_seed", "stratify", "train", "validation", "test")


def count_seen(base: Run, dataset: Dataset, split: Split) -> dict[str, int] | str:
    """Count validation images that trained the base run, and test images that it trained or chose.

    Where the images are the base run's own, the rows tell, and a single one is an error; among
    other images, exact copies are counted. The base run's own base counts as well, and so on.
    Where the images of one of them cannot be opened here, the reason is returned.

    Raises :class:`ConfigError` where a row of the same images is held out here and was not there.
    """
    trained: set[bytes] = set()
    chosen: set[bytes] = set()
    problems: list[str] = []
    for run in _lineage(base, problems):
        if run.split["dataset"]["fingerprint"] == dataset.fingerprint:
            _check_rows(run, split)
        else:
            try:
                images = run.open_dataset(offline=True).images
            except CnnlabError as error:
                problems.append(str(error))
                continue
            trained.update(digests_of(images, run.rows().train))
            chosen.update(digests_of(images, run.rows().validation))
    if problems:
        return problems[0]
    return {
        part: sum(digest in seen for digest in digests_of(dataset.images, split.rows(part)))
        for part, seen in (("validation", trained), ("test", trained | chosen))
    }


def _lineage(run: Run, problems: list[str]) -> Iterator[Run]:
    """The run, the one that it started from, and so on; one that is gone is a problem."""
    met: set[Path] = set()
    while run.path.resolve() not in met:
        met.add(run.path.resolve())
        yield run
        if run.start is None:
            return
        try:
            run = open_run(run.start["run"])
        except CnnlabError as error:
            problems.append(str(error))
            return


def _check_rows(run: Run, split: Split) -> None:
    old = run.rows()
    validation = int(np.isin(split.validation, old.train).sum())
    test = int(np.isin(split.test, np.concatenate([old.train, old.validation])).sum())
    if validation or test:
        data = run.config["data"]
        settings = ", ".join(f"data.{key}={json.dumps(data[key])}" for key in _SPLIT_KEYS)
        raise ConfigError(
            f"{validation:,} validation and {test:,} test images of this split trained or chose "
            f"the weights of {run.path}",
            where="data",
            expected=f"its split of the same images: {settings}",
            todo="leave --data and the split's settings out: they come with the run",
        )
