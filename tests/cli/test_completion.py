"""Completion: what may stand next, through our own functions and through a real bash."""

import os
import pty
import re
import select
import subprocess
import sys
import time
from pathlib import Path
from shutil import which

import pytest
import typer

from cnnlab.cli import completion_names as names
from cnnlab.cli.completing import answers
from cnnlab.cli.main import app
from cnnlab.config import (
    AugmentConfig,
    DataConfig,
    EarlyStoppingConfig,
    InitConfig,
    ModelConfig,
    OptimizerConfig,
    RunConfig,
    ScheduleConfig,
    TrainingConfig,
)
from cnnlab.data import SOURCES
from cnnlab.models import MODELS
from cnnlab.optim import OPTIMIZERS
from cnnlab.recipes import recipe_names
from cnnlab.serving.engines import ENGINES
from cnnlab.tracking import TRACKERS
from cnnlab.workflows.executors import EXECUTORS

ROOT = typer.main.get_command(app)


def values(line):
    """What may stand at the end of a line; a space behind it begins a new word."""
    *before, typed = line.split(" ")
    return [value for value, _ in answers(ROOT, [*before, typed])]


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """A folder with three runs, a group of two among them, and one that is no run."""
    monkeypatch.chdir(tmp_path)
    for name in ("f", "again-seed0", "again-seed1"):
        Path("runs", name).mkdir(parents=True)
        Path("runs", name, "config.yaml").touch()
    Path("runs", "mlflow").mkdir()
    Path("elsewhere", "other").mkdir(parents=True)
    Path("elsewhere", "other", "config.yaml").touch()


def test_the_lists_are_those_of_the_registries():
    assert list(names.DATASETS) == SOURCES.names()
    assert list(names.OPTIMIZERS) == OPTIMIZERS.names()
    assert list(names.TRACKERS) == TRACKERS.names()
    assert list(names.EXECUTORS) == EXECUTORS.names()
    assert values("serve f --engine ") == sorted(["auto", *ENGINES.names()])


def test_the_settings_are_those_of_the_configuration():
    sections = {
        "data": DataConfig,
        "model": ModelConfig,
        "init": InitConfig,
        "optimizer": OptimizerConfig,
        "schedule": ScheduleConfig,
        "training": TrainingConfig,
        "training.augment": AugmentConfig,
        "training.early_stopping": EarlyStoppingConfig,
    }
    expected = {f"{key}=" for key in RunConfig.model_fields if key not in sections}
    for section, fields in sections.items():
        expected |= {f"{section}.{key}=" for key in fields.model_fields}
    hidden = {"schema_version=", "name=", "init.weights_sha256=", "training.augment="}
    assert sorted(names.SETTINGS) == sorted(expected - hidden)


def test_verbs_and_options():
    assert values("") == list(ROOT.commands)
    assert values("ex") == ["explain", "export"]
    assert values("data ") == ["list", "fetch", "show"]
    assert values("runs th") == ["thin"]
    assert values("nonsense ") == []
    assert values("train --se") == ["--seed", "--seeds", "--set"]
    assert set(values("train --")) > {"--model", "--track", "--json", "--help"}
    assert values("--ver") == ["--version"]
    assert answers(ROOT, ["eval"]) == [
        ("evaluate", ROOT.commands["evaluate"].get_short_help_str(70))
    ]


def test_values_of_options():
    assert values("train --model ") == MODELS.names() == values("summary ")
    assert values("train --model model-") == [f"model-{letter}" for letter in "abcdef"]
    assert values("train --recipe ") == recipe_names()
    assert values("train --data d") == ["digits"] == values("data show d") == values("audit d")
    assert values("data fetch fa") == ["fashion-mnist"]
    assert values("evaluate f --split ") == ["validation", "test"]
    assert values("evaluate f --split = te") == ["test"] == values("evaluate f --split te")
    assert values("evaluate f --split =") == ["validation", "test"]
    assert values("evaluate f --split=te") == ["--split=test"]
    assert values("report f --format ht") == ["html"]
    assert values("report f --format html,") == ["html,md", "html,pdf"]
    assert values("export f --format ") == ["onnx", "bundle", "keras"]
    assert values("train --set training.ep") == ["training.epochs="]
    assert values("train --set training.epochs = ") == []
    assert values("track f --to ") == TRACKERS.names() == values("train --track ")
    assert values("find-lr --to ") == []
    assert values("completion ") == ["bash", "zsh", "fish"]
    assert values("train --epochs ") == []


def test_runs_are_folders(runs):
    one = ["again-seed0", "again-seed1", "f"]
    assert values("evaluate ") == one == values("train --resume ") == values("train --init ")
    assert values("evaluate f ") == []
    assert values("compare f ") == values("diagnose f ") == ["again", *one]
    assert values("compare --split test f a") == ["again", "again-seed0", "again-seed1"]
    assert values("runs show --runs elsewhere ") == ["other"] == values("card --runs=elsewhere ")
    assert values("evaluate -- ") == one
    assert values("predict f im") == []


def test_the_verbs_of_the_table_are_there():
    """A key of the table that begins with a verb names one, so that none outlives its verb."""
    from cnnlab.cli.completing import _KNOWN

    firsts = {key.split()[0] for key in _KNOWN if " " in key and not key.startswith("--")}
    every = {*ROOT.commands, *ROOT.commands["data"].commands, *ROOT.commands["runs"].commands}
    assert firsts <= every


_IMPORTS = """
import sys
from cnnlab.cli.main import main
try:
    main(sys.argv[1:])
except SystemExit:
    pass
heavy = {"torch", "numpy", "pydantic", "yaml", "rich", "matplotlib", "requests"} & set(sys.modules)
assert not heavy, heavy
"""


@pytest.mark.parametrize(
    ("shell", "words", "expected"),
    [
        ("bash", ["evaluate", ""], "again-seed0\nagain-seed1\nf\n"),
        ("zsh", ["runs", "s"], "show:Show one run at a glance: status"),
        ("fish", ["train", "--rec"], "--recipe\tA named, complete configuration.\n"),
        ("bash", ["nonsense", "x"], ""),
    ],
)
def test_answers_come_without_heavy_imports(runs, shell, words, expected):
    done = subprocess.run(
        [sys.executable, "-c", _IMPORTS, *words],
        env={**os.environ, "_CNNLAB_COMPLETE": shell},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(expected)
    assert bool(done.stdout) == bool(expected)


def test_zsh_is_given_colons_as_letters(capsys, monkeypatch):
    from cnnlab.cli import completing, completion

    monkeypatch.setattr(completing, "answers", lambda *_: [("a:b", "what\nit is")])
    completion.answer(app, "zsh", [""])
    completion.answer(app, "fish", [""])
    completion.answer(app, "bash", [""])
    assert capsys.readouterr().out == "a\\:b:what it is\na:b\twhat it is\na:b\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts_are_sound(cnnlab, shell):
    outcome = cnnlab("completion", shell)
    assert outcome.code == 0
    assert cnnlab("completion", shell, "--json").json["script"] + "\n" == outcome.out
    assert f"_CNNLAB_COMPLETE={shell}" in outcome.out
    for opening, closing in ("()", "{}", "[]"):
        bare = re.sub(r"\\.|#compdef.*", "", outcome.out)
        assert bare.count(opening) == bare.count(closing)
    assert outcome.out.count('"') % 2 == 0
    if shell == "zsh":
        assert outcome.out.startswith("#compdef cnnlab\n")
    program = which(shell)
    if program:
        done = subprocess.run([program, "-n"], input=outcome.out, text=True, check=False)
        assert done.returncode == 0


class Terminal:
    """A bash in which somebody types."""

    def __init__(self, script):
        bin_folder = Path(sys.executable).parent
        environment = {
            "PATH": f"{bin_folder}:{os.environ['PATH']}",
            "HOME": str(Path.cwd()),
            "TERM": "dumb",
            "PS1": "> ",
        }
        self.screen, keyboard = pty.openpty()
        self.process = subprocess.Popen(
            ["bash", "--noprofile", "--norc", "-i"],
            stdin=keyboard,
            stdout=keyboard,
            stderr=keyboard,
            env=environment,
            start_new_session=True,
        )
        os.close(keyboard)
        self.type(f"bind 'set bell-style none'; source {script}; echo rea''dy\n")
        self.read_until("ready")

    def type(self, text):
        os.write(self.screen, text.encode())

    def read_until(self, text, seconds=60):
        """What is shown until ``text`` is."""
        shown, end = "", time.monotonic() + seconds
        while text not in shown:
            ready, _, _ = select.select([self.screen], [], [], end - time.monotonic())
            if not ready:
                raise AssertionError(f"{text!r} is not among {shown!r}")
            shown += os.read(self.screen, 4096).decode()
        return shown

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.screen)


def test_a_real_bash_completes_what_is_typed(cnnlab, runs):
    Path("complete.sh").write_text(cnnlab("completion", "bash").out)
    terminal = Terminal("complete.sh")
    try:
        terminal.type("echo cnnlab; cnnlab eval\t")
        terminal.read_until("cnnlab evaluate ")
        terminal.type("f --spl\t")
        terminal.read_until("--split ")
        terminal.type("te\t")
        terminal.read_until("test ")
        terminal.type("--runs=el\t")
        terminal.read_until("elsewhere")
        terminal.type("\x15cnnlab train --set training.epo\t2")
        terminal.read_until("training.epochs=2")
        terminal.type("\x15cnnlab train --model model-\t\t")
        shown = terminal.read_until("model-f")
        assert all(f"model-{letter}" in shown for letter in "abcdef")
        terminal.type("\x15cnnlab card complete\t")
        terminal.read_until("complete.sh")
    finally:
        terminal.close()
