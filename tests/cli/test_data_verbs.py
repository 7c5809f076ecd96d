"""``cnnlab data``: what it prints, writes and refuses."""

from __future__ import annotations

import subprocess
import sys

from PIL import Image

from cnnlab.data import SOURCES


def test_list_names_the_options_of_each_source(cnnlab):
    listed = {entry["name"]: entry for entry in cnnlab("data", "list", "--json").json["datasets"]}
    assert sorted(listed) == SOURCES.names()
    assert listed["cifar100"]["options"]["labels"]["default"] == "fine"
    assert listed["shapes"]["options"]["size"]["allowed"].startswith("a whole number from 1 to")
    assert listed["digits"]["options"] == {}
    text = cnnlab("data", "list").out
    assert "data.labels=fine" in text
    assert "data.size=6000" in text


def test_show_writes_a_picture_and_says_so(cnnlab, tmp_path):
    outcome = cnnlab("data", "show", "shapes", "--set", "data.size=60", "--out", "s.png")
    assert outcome.code == 0, outcome.err
    assert "wrote s.png" in outcome.out
    with Image.open(tmp_path / "s.png") as image:
        assert min(image.size) > 500
    said = cnnlab(
        "data", "show", "shapes", "--set", "data.size=60", "--out", "s.svg", "--json"
    ).json
    assert said["picture"] == "s.svg"
    assert said["images"] == 60
    assert {"name", "origin", "image_shape", "parts", "classes", "fingerprint"} <= set(said)
    assert (tmp_path / "s.svg").read_bytes().startswith(b"<?xml")
    assert cnnlab("data", "show", "digits", "--json").json["picture"] is None


def test_show_refuses_another_kind_of_picture_before_it_reads_anything(cnnlab, tmp_path):
    outcome = cnnlab("data", "show", "shapes", "--out", "s.gif")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.count("\n") == 1
    assert "s.gif: no kind of picture" in outcome.err
    assert not list(tmp_path.iterdir())


def test_show_needs_no_torch_and_no_figures_unless_drawn():
    code = (
        "import sys; from cnnlab.cli.main import main\n"
        "try: main(['data', 'show', 'shapes', '--set', 'data.size=12', '--json'])\n"
        "except SystemExit: pass\n"
        "print([name for name in ('torch', 'matplotlib') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_run_on_shapes_writes_its_options_down_and_opens_its_data_again(cnnlab, tiny_model):
    options = ["--set", "data.size=60", "--set", "data.drawing_seed=4"]
    trained = cnnlab("train", "--data", "shapes", *options, "--model", tiny_model, "--epochs", 1,
                     "--name", "s")  # fmt: skip
    assert trained.code == 0, trained.err
    from cnnlab.runs import open_run

    run = open_run("s")
    assert run.config["data"]["size"] == 60
    assert run.config["data"]["label_errors"] == 0.0
    assert len(run.open_dataset()) == 60
    assert cnnlab("evaluate", "s").code == 0


def test_fetch_decodes_what_is_here_and_says_that_it_is_verified(cnnlab):
    done = cnnlab("data", "fetch", "digits")
    assert done.code == 0, done.err
    assert done.out.endswith(", verified\n")
    assert set(cnnlab("data", "fetch", "digits", "--json").json) == {"name", "path"}


def test_fetch_refuses_a_damaged_file_of_the_users(cnnlab, tmp_path, monkeypatch):
    archive = tmp_path / "cifar10-jpeg.tar.xz"
    archive.write_bytes(b"cut off")
    monkeypatch.setenv("CNNLAB_DATA", str(tmp_path))
    refused = cnnlab("data", "fetch", "cifar10-jpeg")
    assert (refused.code, refused.out) == (2, "")
    assert f"replace {archive} or remove it, then: cnnlab data fetch" in refused.err
