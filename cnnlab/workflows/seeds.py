"""One configuration trained with several seeds: what ``cnnlab train --seeds`` does."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cnnlab.config import RunConfig, make_config
from cnnlab.errors import ConfigError, RunError
from cnnlab.metrics import SeedSummary, summarize
from cnnlab.runs import Run, command_line
from cnnlab.settings import changed_keys
from cnnlab.tables import ShownAsText, text_table
from cnnlab.training.events import Watcher, unwatched
from cnnlab.workflows.continued import existing_run
from cnnlab.workflows.executors import Executor, InProcess, Job
from cnnlab.workflows.many import train_all
from cnnlab.workflows.train import Trained

__all__ = [
    "SeedsTrained",
    "compare_command",
    "group_jobs",
    "group_name",
    "group_record",
    "parse_seeds",
    "train_seeds",
]

_MOST = 1000
_LARGEST = 2**63 - 1


def parse_seeds(text: str) -> list[int]:
    """Read "5" as 0 to 4 and "0,3,7" as these; :class:`ConfigError` for anything else."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() for part in parts):
        raise _no_seeds(text)
    numbers = [int(part) for part in parts]
    if len(numbers) == 1:
        if not 1 <= numbers[0] <= _MOST:
            raise _no_seeds(text)
        return list(range(numbers[0]))
    if len(set(numbers)) < len(numbers) or max(numbers) > _LARGEST or len(numbers) > _MOST:
        raise _no_seeds(text)
    return numbers


def _no_seeds(text: str) -> ConfigError:
    return ConfigError(
        f"'{text}' says no seeds",
        where="--seeds",
        expected=f"how many (1 to {_MOST}), e.g. 5, or different ones, e.g. 0,1,2",
    )


@dataclass(frozen=True, eq=False)
class SeedsTrained(ShownAsText):
    """The runs of a group.

    Attributes
    ----------
    group: its name, which ``cnnlab compare`` takes for all of them.
    seeds, trained: one a run, in the order asked for.
    failed: what became of trainings whose loss diverged, in words.
    """

    group: str
    seeds: list[int]
    trained: list[Trained]
    failed: list[str]

    @property
    def runs(self) -> list[Run]:
        """The run directories."""
        return [trained.run for trained in self.trained]

    @property
    def top1(self) -> list[float | None]:
        """Validation accuracy of each; None where there is none."""
        return [t.validation.scores.top1 if t.validation else None for t in self.trained]

    @property
    def summary(self) -> SeedSummary | None:
        """Mean, standard deviation and t interval of the validation accuracies."""
        found = [t.validation.scores for t in self.trained if t.validation]
        images = min((scores.n for scores in found), default=None)
        return summarize([scores.top1 for scores in found], images=images) if found else None

    def to_dict(self) -> dict[str, Any]:
        """What ``cnnlab train --seeds ... --json`` prints; lists have one entry a run."""
        results = [run.result or {} for run in self.runs]
        keys = ("status", "epochs", "train_seconds", "images_per_second", "stopped_because")
        return {
            "group": self.group,
            "runs": [str(run.path) for run in self.runs],
            "seeds": self.seeds,
            **{key: [result.get(key) for result in results] for key in keys},
            "validation": self._validation(),
            "failed": self.failed,
        }

    def _validation(self) -> dict[str, Any] | None:
        found = self.summary
        if found is None:
            return None
        losses = [t.validation.scores.nll for t in self.trained if t.validation]
        return {
            "top1": found.mean,
            "top1_sd": found.deviation,
            "top1_interval": None if found.interval is None else list(found.interval),
            "n": found.n,
            "top1_by_run": self.top1,
            "loss": float(np.mean(losses)),
        }

    def to_text(self) -> str:
        """What ``cnnlab train --seeds`` prints."""
        rows = [
            (seed, run.name, top1, (run.result or {}).get("epochs"), _seconds(run))
            for seed, run, top1 in zip(self.seeds, self.runs, self.top1, strict=True)
        ]
        table = text_table(["seed", "run", "validation accuracy", "epochs", "time"], rows)
        said = [*self.failed, _headline(self.group, self.summary)]
        return "\n".join(
            [table, "", *said, "next: " + compare_command([self.group, "ANOTHER"], self.runs)]
        )


def compare_command(groups: Sequence[str], runs: Sequence[Run]) -> str:
    """``cnnlab compare`` of these groups, whose runs stand in one folder."""
    return command_line("compare", *groups, runs=runs[0].path.parent if runs else None)


def _seconds(run: Run) -> str | None:
    seconds = (run.result or {}).get("train_seconds")
    return None if seconds is None else f"{seconds:.1f} s"


def _headline(group: str, found: SeedSummary | None) -> str:
    if found is None:
        return f"{group}: no validation accuracy"
    if found.deviation is None or found.interval is None:
        return f"{group}: validation accuracy {found.mean:.4f} of one seed"
    low, high = found.interval
    return (
        f"{group}: validation accuracy {found.mean:.4f} ± {found.deviation:.4f} (mean ± standard "
        f"deviation of {found.n} seeds; 95% t interval of the mean {low:.4f} to {high:.4f})"
    )


def train_seeds(
    wanted: RunConfig,
    seeds: Sequence[int],
    runs: Path = Path("runs"),
    watch: Watcher = unwatched,
    *,
    plan: Callable[[], RunConfig] | None = None,
    vary_split: bool = False,
    executor: Executor | None = None,
) -> SeedsTrained:
    """Train one configuration with several seeds, as runs NAME-seed0 and so on.

    Parameters
    ----------
    wanted: the configuration; its name, or one made of model and data, is the group's.
    plan: gives the configuration to train where it has to be measured first (a time limit);
        called for the first run of the group alone, for all shall be trained alike.
    vary_split: each seed draws its own split, too; otherwise all share the configuration's.
    executor: who trains; None: one after the other, here.

    A run of the group that has ended is left as it is, one that was cut off goes on: the same
    call again finishes what was interrupted, one with more seeds adds to the group. A training
    whose loss diverges is noted, and the others go on. Raises :class:`RunError`, before anything
    is trained, where a run of such a name is not of this group or of another configuration.
    """
    jobs = group_jobs(wanted, seeds, runs, plan=plan, vary_split=vary_split)
    trained, failed = train_all(jobs, executor or InProcess(watch), watch)
    return SeedsTrained(group_name(wanted), list(seeds), trained, failed)


def group_jobs(
    wanted: RunConfig,
    seeds: Sequence[int] | None,
    runs: Path,
    *,
    plan: Callable[[], RunConfig] | None = None,
    vary_split: bool = False,
    grid: str | None = None,
) -> list[Job]:
    """The trainings of a group; see :func:`train_seeds`.

    ``seeds`` None: one training with the configuration's own seed, which has the group's name.
    ``grid``: the name of the grid that the group is a combination of.
    """
    name = group_name(wanted)
    group = group_record(name, wanted, vary_split=vary_split)
    if grid is not None:
        group["grid"] = grid
    own = [_named(wanted, name, seed) for seed in ([None] if seeds is None else seeds)]
    before = []
    for one in own:
        run = existing_run(one, runs)
        if run is not None:
            _check_member(run, group, one.seed)
            before.append(run)
    measured = plan or (lambda: wanted)
    config = before[0].typed_config() if before else measured()
    jobs = []
    for one in own:
        named = config.updated(name=one.name, seed=one.seed)
        if vary_split:
            named = named.updated(data={"split_seed": one.seed})
        elif before:
            named = named.updated(data={"split_seed": wanted.data.split_seed})
        jobs.append(Job(named, runs, group))
    return jobs


def group_name(config: RunConfig) -> str:
    """What a group of runs is called: the configuration's name, or one of model and data."""
    if config.name is not None:
        return config.name
    stem = f"{Path(config.model.name).stem}-{Path(config.data.source).stem}".lower()
    return re.sub(r"[^\w.+-]", "-", stem)[:80].lstrip("-_.+") or "seeds"


def _named(config: RunConfig, name: str, seed: int | None) -> RunConfig:
    if seed is None:
        return config.updated(name=name)
    return config.updated(name=f"{name}-seed{seed}", seed=seed)


def group_record(name: str, config: RunConfig, *, vary_split: bool = False) -> dict[str, Any]:
    """What the runs of a group have in their ``group.json``."""
    return {"name": name, "vary_split": vary_split, "asked": _asked(config)}


def _asked(config: RunConfig) -> dict[str, Any]:
    """The configuration without what differs between the runs of a group, or moves no weight."""
    checkpoints = {"checkpoint_every_seconds": 60.0}
    return config.updated(name=None, seed=0, training=checkpoints).to_dict()


def _check_member(run: Run, group: dict[str, Any], seed: int) -> None:
    """:class:`RunError` where a run of such a name was not trained for this group and seed."""
    todo = "choose another --name, or remove it"
    recorded = run.group
    if recorded is None:
        raise RunError("exists already, and is of no group of seeds", where=run.path, todo=todo)
    # Checked again, so that a setting that came later has its default on both sides.
    asked = make_config([recorded["asked"]], where=str(run.path / "group.json")).to_dict()
    changed = changed_keys(asked, group["asked"])
    if recorded["vary_split"] != group["vary_split"]:
        changed.append("--vary-split")
    if run.typed_config().seed != seed:
        changed.append("seed")
    if changed:
        raise RunError(
            f"it was trained with another configuration: {', '.join(changed)} differ",
            where=run.path,
            todo=todo,
        )
