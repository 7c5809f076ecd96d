"""The speeds of training: that every side does the same, and what is said of the records."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import throughput
import torch
from harness.records import read_records
from harness.sessions import Spread, last_session, shown_command
from rates.jobs import Case
from rates.torch_model_f import ArrayImages, count_weights, model_f
from throughput_worker import best_product

from cnnlab.errors import CheckFailed
from cnnlab.models import load_architecture
from cnnlab.reports.markdown import render_markdown

Record = dict[str, Any]

QUICK = ["--threads=1", "--rounds=1", "--seconds=0.01", "--warm-up=0", "--images=100"]


@pytest.mark.usefixtures("workers_here")
def test_every_side_is_measured(
    images: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out, report = tmp_path / "out", tmp_path / "report.md"
    command = [*QUICK, f"--out={out}", f"--data={images}", "--batches", "16", "--workers", "0"]
    assert throughput.main(command) == 0
    printed, complaints = capfd.readouterr()
    assert throughput.main([f"--out={out}", f"--report={report}"]) == 0

    assert complaints == ""
    assert printed.endswith(report.read_text(encoding="utf-8") + "\n")
    records = read_records(out / "throughput.jsonl")
    assert [record["side"] for record in records] == ["cnnlab", "keras-torch", "torch-loader-0"]
    for record in records:
        assert record["images_per_second"] == pytest.approx(
            record["steps"] * 16 / record["timed_seconds"]
        )
        assert record["timed_seconds"] >= 0.01
        assert record["parameters"] == record["expected_parameters"]
        assert (record["images"], record["threads"], record["round"]) == (96, 1, 1)
        assert record["machine"]["versions"]["torch"]
    for record in records[1:]:
        ratio = records[0]["images_per_second"] / record["images_per_second"]
        rate = record["images_per_second"]
        assert f"| 16 | {record['side']} | float32 | {rate:,.0f} |" in printed
        assert f"| {ratio:.2f} | {ratio:.2f} to {ratio:.2f} | 1 |" in printed


@pytest.mark.usefixtures("workers_here")
def test_the_share_of_the_peak(
    images: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(throughput, "CASES", [Case("fastnet", 40, {"widths": [8, 16]})])
    monkeypatch.setattr(throughput, "PRODUCTS", [16, 32])
    command = [*QUICK, "--peak", "--precision=fp32", f"--out={tmp_path}", f"--data={images}"]
    assert throughput.main(command) == 0

    printed, complaints = capfd.readouterr()
    assert complaints == ""
    step, peak = read_records(tmp_path / "throughput.jsonl")
    assert peak["flops_per_second"] == max(peak["flops_per_second_by_size"].values())
    assert sorted(peak["flops_per_second_by_size"]) == ["16", "32"]
    # Convolutions of 24, 8, 8, 16 and 16 filters and the dense layer; the first two not backward
    # or not to their input.
    maps = 24 * 12 * 11**2, 8 * 9 * 24 * 11**2, 8 * 9 * 8 * 5**2, 16 * 9 * 8 * 5**2, 16 * 9 * 16 * 4
    flops = 2 * sum(n * times for n, times in zip((*maps, 16 * 3), (1, 2, 3, 3, 3, 3), strict=True))
    assert step["training_flops"] == flops
    share = flops * step["images_per_second"] / peak["flops_per_second"]
    assert f"| fastnet 8-16 | 40 | fp32 | {flops / 1e6:,.1f} |" in printed
    assert f"| {share:.1%} | {share:.1%} to {share:.1%} | 1 |" in printed


def test_too_few_images_are_refused(
    images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [*QUICK, f"--out={tmp_path}", f"--data={images}", "--batches", "64"]
    assert throughput.main(command) == 2
    assert "at least two batches, and a multiple of 64" in capsys.readouterr().err


def test_the_plain_network_is_model_f() -> None:
    # At 12 x 12 the last map is one pixel, so that the order in which it is flattened is one.
    architecture = load_architecture("model-f", input_shape=(12, 12, 3), classes=3)
    ours, theirs = architecture.build().eval(), model_f(12, 12, 3, 3).eval()
    assert count_weights(theirs) == architecture.summary().total_params
    generator = torch.Generator().manual_seed(0)
    for tensor in ours.state_dict().values():
        tensor.uniform_(0.1, 0.5, generator=generator)
    kept = [
        value for name, value in theirs.state_dict().items() if not name.endswith("batches_tracked")
    ]
    for mine, other in zip(ours.state_dict().values(), kept, strict=True):
        other.copy_(mine)
    shown = torch.rand(2, 3, 12, 12, generator=generator)
    with torch.inference_mode():
        torch.testing.assert_close(ours(shown), theirs(shown))
    # And its statistics move as ours do.
    norm, plain = ours.get_submodule("batch_normalization").train(), theirs[1].train()
    batch = torch.rand(64, 64, 8, 8, generator=generator)
    with torch.no_grad():
        torch.testing.assert_close(norm(batch), plain(batch))
    torch.testing.assert_close(norm.moving_mean, plain.running_mean)
    torch.testing.assert_close(norm.moving_variance, plain.running_var, rtol=1e-4, atol=0)
    assert count_weights(model_f(32, 32, 3, 10)) == (
        load_architecture("model-f").summary().total_params
    )


def test_the_plain_loop_sees_the_pixels() -> None:
    pixels = np.arange(2 * 2 * 3 * 3, dtype=np.uint8).reshape(2, 2, 3, 3) * 7
    image, label = ArrayImages(pixels, np.array([4, 5]))[1]
    assert (image.shape, image.dtype, int(label)) == ((3, 2, 3), torch.float32, 5)
    assert image[2, 1, 0] == pytest.approx(pixels[1, 1, 0, 2] / 255)


def test_the_fastest_product_counts() -> None:
    # Begin, then three products of 4, 2 and 3 s, with a look at the clock between them.
    times: Iterator[float] = iter([0, 0, 4, 5, 7, 8, 11, 11])
    assert best_product(10, torch.float32, 9.0, lambda: next(times)) == 2 * 1000 / 2


def _speeds(side: str, rates: list[float], batch_size: int = 16) -> list[Record]:
    return [
        {
            "kind": "speed",
            "session": "2026-01-01",
            "command": "python x.py",
            "load_before": 0.1,
            "machine": {
                "processor": "Abacus",
                "cores": 2,
                "memory_bytes": 1 << 30,
                "vector_instructions": "none",
                "python": "3",
                "versions": {"torch": "2"},
                "source_revision": "abc",
            },
            "threads": 2,
            "round": number,
            "side": side,
            "batch_size": batch_size,
            "precision": "fp32",
            "images_per_second": rate,
        }
        for number, rate in enumerate(rates, start=1)
    ]


def test_ratios_are_taken_round_by_round() -> None:
    records = _speeds("cnnlab", [100, 300, 200]) + _speeds("keras-torch", [50, 300, 40])
    text = render_markdown(throughput.build_document(records + _speeds("cnnlab", [7], 32)))
    assert "| 16 | cnnlab | fp32 | 200 | 100 to 300 | \\- | \\- | 3 |" in text
    assert "| 16 | keras-torch | fp32 | 50 | 40 to 300 | 2.00 | 1.00 to 5.00 | 3 |" in text
    assert "| 32 | cnnlab | fp32 | 7 | 7 to 7 | \\- | \\- | 1 |" in text
    assert "Abacus, 2 cores" in text
    assert "share of the peak" not in text.lower()


def test_another_network_is_no_peer() -> None:
    record = _speeds("torch-loader-0", [1.0])[0] | {"parameters": 9, "expected_parameters": 10}
    with pytest.raises(CheckFailed, match="torch-loader-0: 9 parameters"):
        throughput.judge(record)


def test_a_spread_and_the_newest_session(tmp_path: Path) -> None:
    assert Spread.of([4, 1, 3, 2]).cells(".1f", 10) == ("25.0", "10.0 to 40.0")
    lines = [{"kind": "a", "session": 1}, {"kind": "a", "session": 2}, {"kind": "b", "session": 3}]
    file = tmp_path / "records.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    assert last_session(file, ["a"]) == [lines[1]]
    assert last_session(file, ["c"]) == []


def test_a_command_names_no_folder_of_this_machine() -> None:
    said = shown_command("x.py", ["--out=/home/me/out", "--python", "/opt/keras/python", "--peak"])
    assert said == "python benchmarks/x.py --out=.../out --python .../python --peak"
