"""What is said of this machine is what training would choose here."""

import json

import pytest
import torch

from cnnlab.data import SOURCES
from cnnlab.device import choose_compile, choose_precision, choose_threads
from cnnlab.errors import DeviceError
from cnnlab.workflows import doctor as module
from cnnlab.workflows.doctor import doctor


def test_it_says_what_training_would_choose_and_why(tmp_path):
    found = doctor(runs=tmp_path / "not" / "there", measure=False)
    threads, reason = choose_threads()
    assert found.choices["threads"].name == str(threads)
    assert found.choices["threads"].reason == reason
    assert found.choices["precision"].name == choose_precision("auto", "cpu").name
    assert found.choices["compile"] == choose_compile("auto", found.choices["device"].name)
    assert set(found.datasets) == set(SOURCES)
    assert found.datasets["digits"].endswith("digits.csv.gz")
    assert found.memory_bytes > 0 < found.disk_bytes
    assert found.speed is None
    assert not (tmp_path / "not").exists()
    text = found.to_text()
    for said in (
        reason,
        found.choices["compile"].reason,
        found.machine["processor"],
        torch.__version__,
        "digits.csv.gz",
    ):
        assert said in text
    assert json.loads(json.dumps(found.to_dict()))["choices"]["threads"]["reason"] == reason


def test_speed_is_measured(monkeypatch):
    monkeypatch.setattr(module, "_SIDE", 256)
    monkeypatch.setattr(module, "_LEAST_SECONDS", 0.05)
    monkeypatch.setattr(module, "_COPIED_BYTES", 1 << 20)
    monkeypatch.setattr(module, "_TRAINED", ("model-d",))
    found = doctor()
    assert set(found.speed.products) == {"fp32", found.choices["precision"].name}
    # A billion operations a second is slower than any processor that torch runs on.
    assert all(value > 1 for value in found.speed.products.values())
    assert found.speed.copy_bytes > 1e6
    assert found.speed.images["model-d"] > 1
    assert "training model-d" in found.to_text()


@pytest.mark.parametrize(("load", "said"), [(2.25, True), (0.1, False)])
def test_a_busy_machine_is_called_so(load, said):
    speed = module.Speed(products={}, copy_bytes=1e9, images={}, load=load)
    assert ("load 2.2 before: other programs" in module._speed_table(speed)) is said


def test_the_time_of_a_product_is_turned_into_operations(monkeypatch):
    monkeypatch.setattr(module, "_fastest", lambda work, device: 0.5)
    monkeypatch.setattr(module, "_SIDE", 100)
    assert module._product_speed("fp32", "cpu") == 4e6


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_device_that_is_not_there_is_an_error():
    with pytest.raises(DeviceError, match="no cuda device"):
        doctor(device="cuda", measure=False)
