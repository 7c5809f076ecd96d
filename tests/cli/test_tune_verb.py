"""``cnnlab tune`` and grids, as the page about them has it, and their one-line errors."""

import io
import re
import shlex
from pathlib import Path

import pytest

from cnnlab.sweeps import read_space
from cnnlab.workflows.configure import configure

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(language):
    text = (DOCS / "tune.md").read_text(encoding="utf-8")
    return [block for kind, block in BLOCK.findall(text) if kind == language]


def test_case_30_every_command_of_the_page_runs_as_written(cnnlab):
    (space,) = blocks("yaml")
    name = space.splitlines()[0].removeprefix("# ")
    Path(name).write_text(space)
    example = (DOCS / "examples" / name).read_text()
    assert space.partition("\n")[2] == example.partition("\n")[2]
    commands = [line for block in blocks("") for line in block.splitlines()]
    assert [shlex.split(command)[1] for command in commands] == [
        "tune", "train", "compare", "train",
    ]  # fmt: skip
    first = cnnlab(*shlex.split(commands[0])[1:], "--json")
    assert first.code == 0, first.err
    assert "trial 0: model.params.widths=[4, 8], model.params.dense=256" in first.err
    assert "running" not in {trial["state"] for trial in first.json["trials"]}
    assert len(first.json["trials"]) == 4
    assert {one["trial"] for one in first.json["candidates"]} >= {0}
    assert Path(first.json["report"]).is_file()
    for command in commands[1:]:
        done = cnnlab(*shlex.split(command)[1:])
        assert done.code == 0, f"{command}\n{done.err}"
    assert len(list(Path("runs").glob("grid-widths-*-lr*"))) == 4
    assert "with other settings" in cnnlab(*shlex.split(commands[0])[1:], "--pruner", "none").err


def test_the_example_of_model_f_is_model_f_at_trial_0():
    space = read_space(DOCS / "examples" / "model-f-family.yaml")
    base = configure(settings={**space.fixed, "data": {**space.fixed["data"], "source": "cifar10"}})
    model_f = configure(settings={"model": {"name": "model-f"}})
    assert base.optimizer == model_f.optimizer
    for key, value in space.probes():
        settings = space.settings({key: value})
        assert configure(settings={**space.fixed, **settings}) != base


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "one of SPACE and --resume says which sweep"),
        (["x.yaml", "--trials", "3"], "x.yaml: no such file"),
        (["space.yaml"], "a search needs an end; expected --time, e.g. 30m, or --trials"),
        (["space.yaml", "--time", "0"], "--time: '0' is no length of time"),
        (["space.yaml", "--time", "1m", "--minutes", "1"], "--time and --minutes say the same"),
        (["space.yaml", "--trials", "0"], "--trials: the value is 0; expected 1 to 100,000"),
        (["space.yaml", "--trials", "3", "--search-seed", str(2**32)],
         "--search-seed: the value is 4294967296; expected 0 to 4,294,967,295"),
        (["space.yaml", "--trials", "3", "--sampler", "tep"],
         "no sampler is called 'tep'; did you"),
        (["space.yaml", "--trials", "3", "--prune-after", "x"], "--prune-after: 'x' is no pace"),
        (["space.yaml", "--trials", "3", "--executor", "locl"], "no executor is called 'locl'"),
        (["space.yaml", "--trials", "3", "--executor", "in-process", "--workers", "2"],
         "in-process"),
        (["space.yaml", "--trials", "3", "--epochs", "0"], "--epochs: the value is '0'; expected"),
        (["--resume", "s"], "s: no sweep; expected a folder with a sweep.yaml"),
        (["--resume", "s", "--sampler", "tpe"], "--resume goes on with the sweep's own settings"),
    ],
)  # fmt: skip
def test_errors_are_one_line(cnnlab, arguments, said):
    Path("space.yaml").write_text("optimizer.lr: {log: [1e-4, 1e-1]}\ndata.source: digits\n")
    done = cnnlab("tune", *arguments)
    assert done.code == 2
    (line,) = done.err.strip().splitlines()
    assert said in line
    assert not Path("sweeps").exists()


def test_an_executor_is_for_many_trainings(cnnlab):
    done = cnnlab("train", "--data", "digits", "--executor", "in-process")
    assert done.code == 2
    assert "--executor is for several trainings; expected --seeds N or --set" in done.err


def test_a_terminal_shows_a_table_of_trials():
    from rich.console import Console

    from cnnlab.cli.sweep_display import _line, _table
    from cnnlab.sweeps import Budget, EngineSettings, History, event, parse_space
    from cnnlab.workflows.sweep_plan import SweepPlan
    from cnnlab.workflows.sweep_study import SweepView

    space = parse_space({"optimizer.lr": {"log": [1e-4, 1]}})
    plan = SweepPlan(Path("sweeps/[x]"), space, {}, {}, EngineSettings(), Budget(600.0))
    history = History()
    events = [
        event("start", 0, trial=0, params={"optimizer.lr": 0.001}),
        event("epoch", 1, trial=0, stage=1, epoch=1, value=0.5, spent=1, pruned=False),
        event("end", 2, trial=0, state="finished", value=0.75, said=""),
        event("start", 61, trial=1, params={"optimizer.lr": 0.0123456}),
    ]
    lines = []
    for one in events:
        history.apply(one)
        view = SweepView(plan, history, one, one["seconds"], "search")
        lines.append(_line(view))
    assert lines == [
        "0:00:00  trial 0: optimizer.lr=0.001",
        "",
        "0:00:02  trial 0 finished: accuracy 0.7500 after 1 epoch  best so far",
        "0:01:01  trial 1: optimizer.lr=0.01235",
    ]
    console = Console(width=100, file=io.StringIO())
    console.print(_table(view))
    shown = console.file.getvalue()
    assert "[x]: search, 2 trials, 0:01:01 of 0:10:00" in shown
    assert re.search(r"0 +│ 0.001 +│ 0.7500", shown)
    assert re.search(r"1 +│ 0.01235 +│ - +│ 0 +│ running", shown)
    assert "1 finished, 0 pruned, 0 failed" in shown
