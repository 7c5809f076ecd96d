"""Both precisions trained and compared, in miniature."""

from pathlib import Path

import precision
import pytest
from harness.records import PRECISIONS_TRAINED, read_records
from scipy import stats
from small import MODEL, write_images

from cnnlab.reports.markdown import render_markdown

TRAINING = """
training: {epochs: 1, batch_size: 16, inner_validation: 0.2}
"""


def record(side: str, seed: int, accuracy: float) -> dict[str, object]:
    return {
        "name": f"m-{side}-{seed}",
        "precision": side,
        "seed": seed,
        "model": "m",
        "data": "d",
        "train": 10,
        "epochs": 2,
        "command": "python benchmarks/precision.py",
        "machine": {"processor": "P", "vector_instructions": "AVX2"},
        "validation": {"accuracy": accuracy},
        "curves": [{"train_accuracy": 0.1}, {"train_accuracy": accuracy / 2}],
    }


@pytest.mark.usefixtures("workers_here")
def test_each_precision_is_trained_once_and_never_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = tmp_path / "tiny.yaml"
    model.write_text(MODEL + TRAINING, encoding="utf-8")
    images = write_images(tmp_path / "images")
    asked = ["--models", str(model), "--data", str(images), "--train", "60", "--validation", "20"]
    asked += ["--epochs", "1", "--seeds", "1", "--jobs", "2", "--out", str(tmp_path / "out")]
    assert precision.main(asked) == 0
    records = read_records(tmp_path / "out" / PRECISIONS_TRAINED)
    assert {record["precision"] for record in records} == {"bf16", "fp32"}
    assert all(0 <= record["validation"]["accuracy"] <= 1 for record in records)
    capsys.readouterr()
    assert precision.main(asked) == 0
    assert capsys.readouterr().out.startswith("0 trainings to do, 2 recorded")
    report = tmp_path / "precision.md"
    assert precision.main(["--out", str(tmp_path / "out"), "--report", str(report)]) == 0
    text = report.read_text(encoding="utf-8")
    assert "tiny" in text
    assert str(tmp_path) not in text


def test_the_interval_is_scipys_and_says_whether_zero_is_inside() -> None:
    half, full = [0.50, 0.53, 0.51, 0.55], [0.60, 0.63, 0.61]
    records = [record("bf16", seed, value) for seed, value in enumerate(half)]
    records += [record("fp32", seed, value) for seed, value in enumerate(full)]
    text = render_markdown(precision.build_document(records))
    interval = stats.ttest_ind(half, full, equal_var=False).confidence_interval()
    shown = f"{100 * interval.low:+.2f} to {100 * interval.high:+.2f} | no | no |"
    plain = text.replace("\\", "")
    assert shown in plain
    assert "| m | training, last epoch | bf16 | 25.00, 26.50, 25.50, 27.50 |" in plain


def test_one_precision_alone_is_no_comparison(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert precision.main(["--out", str(tmp_path), "--report", str(tmp_path / "r.md")]) == 2
    assert "no model was trained in both precisions; run precision.py first" in (
        capsys.readouterr().err
    )
