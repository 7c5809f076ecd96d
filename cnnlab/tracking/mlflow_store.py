"""MLflow: a run as a run of the experiment "cnnlab", in a database of one file or on a server.

The store of plain folders (``./mlruns``) is in maintenance, so a folder gets a SQLite database,
which MLflow keeps up. No network is used unless an address names one: MLflow's own collection of
usage data is switched off before it is imported.
"""

from __future__ import annotations

import logging
import math
import os
import re
import shlex
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from cnnlab.errors import InputError, StorageError
from cnnlab.files import expanded, storage_errors
from cnnlab.tracking.subject import Outcome, Point, Subject
from cnnlab.tracking.target import without_password
from cnnlab.tracking.tracker import TRACKERS, Session, Tracker

if TYPE_CHECKING:
    from mlflow import MlflowClient

__all__ = ["MlflowRun", "store_uri"]

T = TypeVar("T")

#: A value of a curve, by the curve's name and the step.
Values = dict[tuple[str, int], float]

#: The tag by which a run is found again.
_ID_TAG = "cnnlab.run_id"

_EXPERIMENT = "cnnlab"
_DATABASE = "mlflow.db"
_SQLITE = "sqlite:///"

#: What a request of MLflow's takes at once.
_METRICS_AT_ONCE, _PARAMS_AT_ONCE = 1000, 100

#: What a name of MLflow's may not hold.
_ODD = re.compile(r"[^\w\-. /]")

_STATUS = {"finished": "FINISHED", "failed": "FAILED"}

#: Without them a server that is not there would hold a training up for minutes.
_PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}


def store_uri(where: str | None, runs: Path) -> tuple[str, str | None]:
    """The address of a store, and where its files go (None: where a server wants them).

    ``where`` is an address, a folder, or None: then what ``MLFLOW_TRACKING_URI`` says, else the
    folder ``mlflow`` beside the runs.
    """
    said = where or os.environ.get("MLFLOW_TRACKING_URI") or str(runs / "mlflow")
    file = _database_file(said)
    if file is None and ("://" in said or said == "databricks"):
        return said, None
    file = file or expanded(said).resolve() / _DATABASE
    return f"{_SQLITE}{file}", (file.parent / "artifacts").as_uri()


def _database_file(uri: str) -> Path | None:
    return Path(uri.removeprefix(_SQLITE)).resolve() if uri.startswith(_SQLITE) else None


def _check_database(path: Path) -> None:
    """Raise :class:`StorageError` where it cannot be written: MLflow would try for minutes."""
    with storage_errors(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with closing(sqlite3.connect(path, timeout=10, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.rollback()
    except sqlite3.Error as error:
        raise StorageError(
            f"MLflow's database cannot be written: {error}",
            where=path,
            todo="name another place, or mend or remove it",
        ) from error


def _client(uri: str) -> MlflowClient:
    """A client that asks nobody but the store, and says nothing of its insides."""
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ["DO_NOT_TRACK"] = "true"
    for name, value in _PATIENCE.items():
        os.environ.setdefault(name, value)
    import mlflow

    # Where a program imported it before us, its client of usage data is there: take it away.
    with suppress(ImportError):
        from mlflow.telemetry import set_telemetry_client

        set_telemetry_client()
    for name in ("mlflow", "alembic"):  # they tell of every table that they make
        logging.getLogger(name).setLevel(logging.WARNING)
    return mlflow.MlflowClient(tracking_uri=uri)


class MlflowRun(Session):
    """A run in MLflow's store, which keeps every value of every curve once.

    MLflow takes no value back. Where the store says something else than the records do (an epoch
    was trained again with another result), the run there is deleted and sent anew.
    """

    def __init__(self, subject: Subject, where: str | None) -> None:
        uri, files = store_uri(where, subject.run.path.parent)
        database = _database_file(uri)
        if database is not None:
            _check_database(database)
        self._subject, self._client = subject, _client(uri)
        self._experiment = self._find_experiment(files)
        self._wanted: dict[tuple[str, int], tuple[float, int]] = {}
        self._run_id = self._find() or self._create()
        self._stored = self._read()
        self.place = f"{without_password(uri)}, run {self._run_id}"
        looks = ["mlflow", "ui", "--backend-store-uri", uri]
        self.look = shlex.join(looks) if database is not None else without_password(uri)

    def _find_experiment(self, files: str | None) -> str:
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or _EXPERIMENT
        found = self._client.get_experiment_by_name(name)
        if found is None:
            return str(self._client.create_experiment(name, artifact_location=files))
        if found.lifecycle_stage == "deleted":
            raise InputError(
                f"the experiment '{name}' was deleted in MLflow's store",
                todo="restore it there, or name another in MLFLOW_EXPERIMENT_NAME",
            )
        return str(found.experiment_id)

    def _find(self) -> str | None:
        """The run of this id that is not deleted, if it was sent before."""
        wanted = f"tags.`{_ID_TAG}` = '{self._subject.id}'"
        found = self._client.search_runs([self._experiment], filter_string=wanted)
        return str(found[0].info.run_id) if found else None

    def _create(self) -> str:
        subject = self._subject
        made = self._client.create_run(
            self._experiment,
            start_time=_milliseconds(subject.began_seconds),
            tags=subject.tags,
            run_name=subject.run.name,
        )
        return str(made.info.run_id)

    def _read(self) -> Values:
        """Every value that the store holds of the run; the run is marked as running, too."""
        from mlflow.entities import Param, RunTag

        client, run_id = self._client, self._run_id
        client.update_run(run_id, status="RUNNING")
        data = client.get_run(run_id).data
        params = {_name(key): value for key, value in self._subject.params.items()}
        missing = [Param(k, v) for k, v in params.items() if k not in data.params]
        for batch in _batches(missing, _PARAMS_AT_ONCE):
            client.log_batch(run_id, params=batch)
        new = {k: v for k, v in self._subject.tags.items() if data.tags.get(k) != v}
        client.log_batch(run_id, tags=[RunTag(key, value) for key, value in new.items()])
        return {
            (key, entry.step): entry.value
            for key in data.metrics
            for entry in client.get_metric_history(run_id, key)
        }

    def send(self, points: Sequence[Point]) -> None:
        """Take the points of epochs that have come since the last call."""
        fresh = {
            (_name(key), point.step): (_storable(value), _milliseconds(point.time_seconds))
            for point in points
            for key, value in point.values.items()
        }
        self._wanted |= fresh
        if any(
            not _same(self._stored[at], value)
            for at, (value, _) in fresh.items()
            if at in self._stored
        ):
            self._start_over()
        else:
            self._log({at: said for at, said in fresh.items() if at not in self._stored})

    def finish(self, outcome: Outcome) -> None:
        """Take what the run came to, its pictures and files, and how it ended."""
        self.send([outcome.final])
        if self._stored.keys() - self._wanted.keys():
            self._start_over()
        self._keep_files(outcome)
        ended = _milliseconds(self._subject.ended_seconds)
        if outcome.status != "running":
            status = _STATUS.get(outcome.status, "KILLED")
            self._client.set_terminated(self._run_id, status=status, end_time=ended)

    def _keep_files(self, outcome: Outcome) -> None:
        client, run_id = self._client, self._run_id
        for path in outcome.files:
            client.log_artifact(run_id, str(path))
        with tempfile.TemporaryDirectory(prefix="cnnlab-") as folder:
            for name, content in outcome.pictures.items():
                picture = Path(folder, f"{name}.png")
                picture.write_bytes(content)
                client.log_artifact(run_id, str(picture), "figures")
            if not any(path.name == "summary.txt" for path in outcome.files):
                summary = Path(folder, "summary.txt")
                summary.write_text(self._subject.summary, encoding="utf-8")
                client.log_artifact(run_id, str(summary))

    def _start_over(self) -> None:
        """Delete what stands in the store, where it can be restored, and send all of it anew."""
        old = self._run_id
        self._client.delete_run(old)
        self._run_id = self._create()
        self.place = self.place.replace(old, self._run_id)
        self._stored = self._read()
        self._log(self._wanted)

    def _log(self, values: Mapping[tuple[str, int], tuple[float, int]]) -> None:
        from mlflow.entities import Metric

        metrics = [Metric(key, value, time, step) for (key, step), (value, time) in values.items()]
        for batch in _batches(metrics, _METRICS_AT_ONCE):
            self._client.log_batch(self._run_id, metrics=batch)
        self._stored |= {at: value for at, (value, _) in values.items()}


def _batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    yield from (items[start : start + size] for start in range(0, len(items), size))


def _name(key: str) -> str:
    return _ODD.sub("_", key)[:250]


def _milliseconds(seconds: float) -> int:
    return round(1000 * seconds)


def _storable(value: float) -> float:
    """As MLflow's databases hold it: what is infinite becomes the largest number there is."""
    largest = 1.7976931348623157e308
    return value if math.isnan(value) else min(max(value, -largest), largest)


def _same(a: float, b: float) -> bool:
    return a == b or (math.isnan(a) and math.isnan(b))


TRACKERS.add(
    "mlflow",
    Tracker(("mlflow", "sqlalchemy", "alembic"), "mlflow", MlflowRun, addresses=True),
)
