"""TensorBoard: what its own reader finds is what the run says."""

import io
import shutil

import numpy as np
import pytest
from PIL import Image
from tensorboard.plugins.hparams.api_pb2 import STATUS_FAILURE, STATUS_SUCCESS
from tensorboard_reader import read, single
from tracking_runs import curve_lines, told, write_lines

from cnnlab.metrics.statistics import wilson_interval
from cnnlab.runs import Run
from cnnlab.tracking import Target, track
from cnnlab.tracking.event_files import EVENT_FILE
from cnnlab.tracking.follow import Follower

BOARD = Target("tensorboard")


def epochs_of(shown):
    return {at: value for at, value in shown.curves.items() if not at[0].startswith("final/")}


def test_every_value_is_the_records_in_single_precision(run):
    sent = track([run], ["tensorboard"])
    shown = read(run.path / "tracking")
    assert epochs_of(shown) == single(told(run))
    assert sent.to_dict()["sent"][0]["epochs"] == 4
    assert sent.to_dict()["look"] == [f"tensorboard --logdir {run.path.parent}"]


def test_the_end_holds_scores_intervals_picture_and_texts(run):
    track([run], [BOARD])
    shown = read(run.path / "tracking")
    final = {tag.removeprefix("final/"): v for (tag, step), v in shown.curves.items() if step == 4
             and tag.startswith("final/")}  # fmt: skip
    low, high = wilson_interval(3, 4)  # of four answers the last is wrong
    assert final["validation/top1"] == 0.75
    ends = {"low": low, "high": high}
    assert {end: final[f"validation/top1_{end}"] for end in ends} == single(ends)
    assert (final["train_seconds"], final["images_per_second"]) == (3.0, 4.0)
    assert not any(tag.startswith("test") for tag in final)
    with Image.open(io.BytesIO(shown.images["confusion-validation"])) as picture:
        assert picture.format == "PNG"
        assert np.asarray(picture).std() > 0
    assert "conv2d (Conv2D)" in shown.texts["architecture"]
    assert "0123456789abcdef" * 4 in shown.texts["tags"]


def test_the_settings_are_hyperparameters_of_their_kinds(run):
    track([run], [BOARD])
    shown = read(run.path / "tracking")
    assert shown.hparams["training.epochs"] == 2.0
    assert shown.hparams["training.keep_optimizer"] is False
    assert shown.hparams["optimizer.name"] == "adam"
    assert shown.hparams["optimizer.lr"] == 1e-3
    assert "final/validation/top1" in shown.metrics
    assert shown.ended == [STATUS_SUCCESS]


def test_sent_twice_nothing_is_doubled_and_no_byte_moves(run):
    track([run], [BOARD])
    path = run.path / "tracking" / EVENT_FILE
    before, inode = path.read_bytes(), path.stat().st_ino
    track([run], [BOARD])
    assert path.read_bytes() == before
    assert path.stat().st_ino == inode
    assert read(path.parent).steps["train/loss"] == [1, 2, 3, 4]


@pytest.mark.parametrize("seen", [0, 1, 3, 4])
def test_followed_line_by_line_it_is_the_same_file(run, tmp_path, seen):
    lines = curve_lines(4)
    result = (run.path / "result.json").read_text()
    (run.path / "result.json").unlink()
    write_lines(run, lines[:seen])
    follower = Follower(run, BOARD)
    for count in range(seen, 5):
        write_lines(run, lines[:count])
        follower.sync()
    (run.path / "result.json").write_text(result)
    follower.finish()
    followed = (run.path / "tracking" / EVENT_FILE).read_bytes()
    track([run], [Target("tensorboard", str(tmp_path / "logs"))])
    assert (tmp_path / "logs" / "first" / EVENT_FILE).read_bytes() == followed


def test_what_was_trained_again_with_another_result_takes_the_old_ones_place(run):
    track([run], [BOARD])
    write_lines(run, curve_lines(4)[:2] + curve_lines(3, shift=0.5)[2:])
    track([run], [BOARD])
    shown = read(run.path / "tracking")
    assert epochs_of(shown) == single(told(run))
    assert shown.steps["train/loss"] == [1, 2, 3]


@pytest.mark.parametrize("kept", [0, 5, 700, -3])
def test_a_file_that_a_kill_cut_off_is_made_whole(run, kept):
    track([run], [BOARD])
    path = run.path / "tracking" / EVENT_FILE
    whole = path.read_bytes()
    path.write_bytes(whole[:kept] + b"torn")
    track([run], [BOARD])
    assert path.read_bytes() == whole


def test_a_sequential_training_has_the_curves_of_each_stage_too(run):
    text = (run.path / "config.yaml").read_text()
    (run.path / "config.yaml").write_text(text.replace("mode: full", "mode: sequential"))
    lines = curve_lines(3, stages=2)
    write_lines(run, lines)
    track([Run(run.path)], [BOARD])
    curves = read(run.path / "tracking").curves
    for number, line in enumerate(lines, start=1):
        loss = float(np.float32(line["train_loss"]))
        assert curves["train/loss", number] == loss
        assert curves[f"stage_{line['stage']}/train/loss", line["epoch"]] == loss


def test_a_loss_that_is_no_number_stays_none(run):
    lines = curve_lines(2)
    lines[1]["train_loss"] = float("nan")
    write_lines(run, lines)
    result = (run.path / "result.json").read_text().replace('"finished"', '"failed"')
    (run.path / "result.json").write_text(result)
    track([run], [BOARD])
    shown = read(run.path / "tracking")
    assert np.isnan(shown.curves["train/loss", 2])
    assert shown.ended == [STATUS_FAILURE]


def test_runs_of_one_name_share_a_folder_of_logs_and_copies_are_one_run(run, tmp_path):
    logs = Target("tensorboard", str(tmp_path / "logs"))
    track([run], [logs])
    copy = Run(shutil.copytree(run.path, tmp_path / "elsewhere" / "first"))
    track([copy], [logs])
    assert [path.name for path in (tmp_path / "logs").iterdir()] == ["first"]
    (copy.path / "tracking" / "tracking.json").unlink()
    other = track([Run(copy.path)], [logs]).entries[0]
    names = sorted(path.name for path in (tmp_path / "logs").iterdir())
    assert names == ["first", f"first-{other['id'][:8]}"]
