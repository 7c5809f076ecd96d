"""MLflow: what its own client finds is what the run says."""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter

import pytest
from tracking_runs import curve_lines, told, write_lines

from cnnlab.errors import FailedError, InputError
from cnnlab.metrics.statistics import wilson_interval
from cnnlab.runs import Run
from cnnlab.tracking import Target, track
from cnnlab.tracking.follow import Follower
from cnnlab.tracking.mlflow_store import store_uri

# MLflow's own way to SQLAlchemy.
pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy")


@pytest.fixture(scope="module")
def store(mlflow_database, tmp_path_factory):
    """A folder with one store for all tests here; runs are told apart by their ids."""
    folder = tmp_path_factory.mktemp("store")
    shutil.copy(mlflow_database, folder)
    return Target("mlflow", str(folder))


@pytest.fixture(scope="module")
def client(store):
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=f"sqlite:///{store.where}/mlflow.db")


@pytest.fixture
def found(client):
    """The run of a name that the store shows, and every value of its curves."""

    def find(run):
        wanted = json.loads((run.path / "tracking" / "tracking.json").read_text())["id"]
        experiment = client.get_experiment_by_name("cnnlab").experiment_id
        stored = [
            each
            for each in client.search_runs([experiment])
            if each.data.tags["cnnlab.run_id"] == wanted
        ]
        assert len(stored) == 1
        history = [
            ((key, entry.step), entry.value)
            for key in stored[0].data.metrics
            for entry in client.get_metric_history(stored[0].info.run_id, key)
        ]
        assert Counter(at for at, _ in history).most_common(1)[0][1] == 1
        return stored[0], dict(history)

    return find


def epochs_of(values):
    return {at: value for at, value in values.items() if not at[0].startswith("final/")}


def test_everything_is_what_the_run_says(run, store, found, client):
    track([run], [store])
    stored, values = found(run)
    assert epochs_of(values) == told(run)
    assert values["final/validation/top1", 4] == 0.75
    low, high = wilson_interval(3, 4)
    ends = values["final/validation/top1_low", 4], values["final/validation/top1_high", 4]
    assert ends == (low, high)
    assert (stored.info.run_name, stored.info.status) == ("first", "FINISHED")
    seconds = (stored.info.end_time - stored.info.start_time) / 1000
    assert seconds == pytest.approx(sum(1.25 + at / 7 for at in range(4)), abs=2e-3)
    assert stored.data.params["training.epochs"] == "2"
    assert stored.data.params["optimizer.name"] == "adam"
    assert stored.data.tags["cnnlab.dataset_fingerprint"] == "0123456789abcdef" * 4
    files = {entry.path for entry in client.list_artifacts(stored.info.run_id)}
    assert files == {"config.yaml", "summary.txt", "figures"}
    [picture] = client.list_artifacts(stored.info.run_id, "figures")
    assert picture.path == "figures/confusion-validation.png"


def test_sent_twice_or_as_a_copy_nothing_is_doubled(run, store, found, tmp_path):
    track([run], [store])
    stored, values = found(run)
    track([run], [store])
    copy = Run(shutil.copytree(run.path, tmp_path / "copy" / "first"))
    track([copy], [store])
    again, same = found(run)
    assert again.info.run_id == stored.info.run_id
    assert same == values
    assert again.info.status == "FINISHED"


def test_followed_line_by_line_and_resumed_it_is_the_same(run, store, found):
    lines, result = curve_lines(4), (run.path / "result.json").read_text()
    (run.path / "result.json").unlink()
    write_lines(run, lines[:1])
    first = Follower(run, store)
    first.sync()
    write_lines(run, lines[:3])
    first.sync()
    stored, _ = found(run)
    assert stored.info.status == "RUNNING"
    write_lines(run, lines[:2])  # killed; its newest checkpoint knows two epochs
    second = Follower(run, store)
    second.sync()
    write_lines(run, lines)
    (run.path / "result.json").write_text(result)
    second.finish()
    ended, values = found(run)
    assert (ended.info.run_id, ended.info.status) == (stored.info.run_id, "FINISHED")
    assert epochs_of(values) == told(run)


@pytest.mark.parametrize("lines", [curve_lines(2), curve_lines(2) + curve_lines(4, shift=0.5)[2:]])
def test_what_the_records_no_longer_say_is_not_kept(run, store, found, client, lines):
    track([run], [store])
    before, _ = found(run)
    write_lines(run, lines)
    track([run], [store])
    after, values = found(run)
    assert epochs_of(values) == told(run)
    assert after.info.run_id != before.info.run_id
    assert client.get_run(before.info.run_id).info.lifecycle_stage == "deleted"


def test_numbers_that_are_none_are_taken_once(run, store, found):
    lines = curve_lines(2)
    lines[0]["train_loss"], lines[1]["train_loss"] = float("inf"), float("nan")
    write_lines(run, lines)
    track([run], [store])
    first, _ = found(run)
    track([run], [store])
    again, values = found(run)
    assert again.info.run_id == first.info.run_id
    assert values["train/loss", 1] > 1e300
    assert values["train/loss", 2] != values["train/loss", 2]


def test_a_cut_off_run_is_sent_as_far_as_it_is(run, store, found):
    (run.path / "result.json").unlink()
    track([run], [store])
    stored, _ = found(run)
    assert stored.info.status == "KILLED"


def test_a_deleted_experiment_is_named(run, store, client, monkeypatch):
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "gone")
    client.delete_experiment(client.create_experiment("gone"))
    with pytest.raises(InputError, match="'gone' was deleted"):
        track([run], [store])


def test_what_the_store_says_becomes_one_line(run, tmp_path):
    (tmp_path / "mlflow.db").write_bytes(b"this is no database" * 100)
    with pytest.raises(FailedError, match="database cannot be written") as failed:
        track([run], [Target("mlflow", str(tmp_path))])
    assert "\n" not in str(failed.value)


def test_a_server_that_is_not_there_is_named_without_its_password(run):
    with pytest.raises(FailedError, match=r"mlflow did not take it: .*127") as error:
        track([run], ["mlflow=http://me:se@cret@127.0.0.1:1"])
    assert "cret" not in str(error.value)


def test_where_a_store_is(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    uri, files = store_uri(None, tmp_path)
    assert uri == f"sqlite:///{tmp_path}/mlflow/mlflow.db"
    assert files == f"file://{tmp_path}/mlflow/artifacts"
    assert store_uri("http://host:5000", tmp_path) == ("http://host:5000", None)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://other:1")
    assert store_uri(None, tmp_path) == ("http://other:1", None)


_QUIET = """
import socket, sys
from pathlib import Path

def refuse(*arguments, **more):
    raise SystemExit("the network was asked")

socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
from cnnlab.runs import Run
from cnnlab.tracking import track
track([Run(Path(sys.argv[1]))], [f"mlflow={sys.argv[2]}"])
from mlflow.telemetry.client import get_telemetry_client
assert get_telemetry_client() is None
"""


def test_no_network_is_used_and_usage_is_not_collected(run, store, found):
    # A process of its own, in which nothing says that this is a test or CI.
    kept = {"PATH", "HOME", "CNNLAB_HOME", "MPLCONFIGDIR", "OMP_NUM_THREADS"}
    environment = {name: value for name, value in os.environ.items() if name in kept}
    done = subprocess.run(
        [sys.executable, "-c", _QUIET, str(run.path), store.where],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert found(run)[0].info.status == "FINISHED"
