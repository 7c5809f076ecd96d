"""A configuration minus one ingredient at a time, over several seeds, and a document of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cnnlab.config import RunConfig, make_config
from cnnlab.errors import ConfigError, UnknownNameError
from cnnlab.evaluation.ablation import Effect, effects_of, sentence_of
from cnnlab.evaluation.evaluate import evaluation_of
from cnnlab.models import MODELS
from cnnlab.recipes import recipe_names
from cnnlab.registry import suggestion
from cnnlab.reports import DEFAULT_FORMATS, checked_formats, write_document
from cnnlab.reports.ablation import AblationRecord, Variant, build_ablation
from cnnlab.runs import Run, as_run_name
from cnnlab.settings import changed_keys
from cnnlab.tables import ShownAsText, text_table
from cnnlab.training.events import Notice, Watcher, unwatched
from cnnlab.training.prepare import decide
from cnnlab.workflows.configure import configure
from cnnlab.workflows.continued import existing_run, train_or_continue
from cnnlab.workflows.experiments import check_same_experiment
from cnnlab.workflows.ingredients import INGREDIENTS, Whole, choose_ingredients

__all__ = ["Ablation", "ablate", "configure_target"]

WHOLE = "whole"
_MOST_SEEDS = 1000
#: So much of a name leaves room for variant and seed.
_LONGEST_STEM = 60


@dataclass(frozen=True, eq=False)
class Ablation(ShownAsText):
    """What was trained, what each ingredient is worth, and the document.

    Attributes
    ----------
    record: what the document is made of; its first variant is the whole configuration.
    runs: the finished ones, by variant and seed.
    files: the document, a file a format.
    """

    record: AblationRecord
    runs: Mapping[tuple[str, int], Run]
    files: list[Path]

    def to_dict(self) -> dict[str, Any]:
        """What ``cnnlab ablate --json`` prints."""
        return {
            "target": self.record.target,
            "n_validation": self.record.images,
            "variants": [self._variant(variant) for variant in self.record.variants],
            "failed": list(self.record.failed),
            "report": str(self.files[0]),
            "files": [str(path) for path in self.files],
        }

    def _variant(self, variant: Variant) -> dict[str, Any]:
        effect, difference = variant.effect, variant.effect.difference
        return {
            "name": effect.name,
            "title": effect.title,
            "n": effect.n,
            "mean": effect.mean,
            "sd": effect.deviation,
            "accuracies": {str(seed): value for seed, value in effect.accuracies.items()},
            "difference": None if difference is None else difference.value,
            "interval": None if difference is None else list(difference.interval()),
            "p_value": None if difference is None else difference.p_value,
            "p_holm": effect.p_holm,
            "changes": dict(variant.changes),
            "runs": [str(run.path) for (name, _), run in self.runs.items() if name == effect.name],
        }

    def to_text(self) -> str:
        """What ``cnnlab ablate`` prints at the end."""
        whole, *others = (variant.effect for variant in self.record.variants)
        header = ["variant", "n", "mean", "sd", "difference", "low", "high", "p (Holm)"]
        rows = [
            (
                one.title,
                one.n,
                one.mean,
                one.deviation,
                *(one.estimate or (None, None, None)),
                one.p_holm,
            )
            for one in (whole, *others)
        ]
        return "\n".join(
            [
                text_table(header, rows),
                "",
                *(sentence_of(one, whole) for one in others),
                *self.record.failed,
                f"document: {self.files[0].resolve()}",
            ]
        )


def configure_target(
    target: str, settings: Mapping[str, Any], overrides: Sequence[str] = ()
) -> RunConfig:
    """The configuration of a recipe's, a model's or a model file's name, and other settings.

    Raises :class:`UnknownNameError` where it is none of them.
    """
    if target in recipe_names():
        return configure(recipe=target, settings=settings, overrides=overrides)
    if target not in MODELS and not Path(target).is_file():
        known = [*recipe_names(), *MODELS]
        raise UnknownNameError(
            f"no recipe or model is called '{target}'", todo=suggestion(target, known)
        )
    named = {**settings, "model": {"name": target}}
    return configure(settings=named, overrides=overrides)


def ablate(
    target: str,
    *,
    seeds: int = 3,
    without: Sequence[str] | None = None,
    settings: Mapping[str, Any] | None = None,
    overrides: Sequence[str] = (),
    runs: Path = Path("runs"),
    out: Path | None = None,
    formats: Sequence[str] = DEFAULT_FORMATS,
    command: Sequence[str] = (),
    watch: Watcher = unwatched,
) -> Ablation:
    """Train ``target`` and, one at a time, the same without each ingredient; compare them.

    Parameters
    ----------
    target: a recipe's name, a model's, or the path of a model file.
    seeds: so many trainings each, with the seeds 0, 1, 2 ...; the split is the same for all.
    without: names of ingredients; None: all that it has.
    settings, overrides: of all trainings, nested and as ``--set`` takes them.
    runs: where the run directories go; one that has ended is left as it is, one that was cut off
        goes on.
    out: the document's folder; None: ``ablation-TARGET`` inside ``runs``.
    formats: what it is written as: html, md, pdf.
    command: what was typed, for the document.

    Everything is checked before the first training. Accuracies are of validation; test stays
    closed. The document is written anew after each seed. A training whose loss diverges is noted,
    and the others go on.
    """
    if not 1 <= seeds <= _MOST_SEEDS:
        raise ConfigError(f"{seeds} seeds", where="--seeds", expected=f"1 to {_MOST_SEEDS}")
    formats = checked_formats(formats)
    config = configure_target(target, settings or {}, overrides)
    stem = as_run_name(Path(target).stem)[:_LONGEST_STEM]
    titles, configs = _variants(config, without, runs, watch)
    work = _work(stem, seeds, configs, runs)
    progress = _Progress(target, titles, configs, tuple(command))
    files: list[Path] = []
    for number, (name, seed, one) in enumerate(work, start=1):
        watch(Notice(f"{titles[name]}, seed {seed} ({number} of {len(work)})"))
        progress.add(name, seed, *train_or_continue(one, runs, watch))
        if number % len(configs) == 0:
            document = build_ablation(progress.record())
            files = write_document(document, out or runs / f"ablation-{stem}", formats)
    return Ablation(progress.record(), progress.done, files)


def _work(
    stem: str, seeds: int, configs: Mapping[str, RunConfig], runs: Path
) -> list[tuple[str, int, RunConfig]]:
    """Variant, seed and configuration of each training, seed after seed.

    Raises :class:`RunError` where a run of such a name is another experiment.
    """
    work = [
        (name, seed, one.updated(name=f"ablate-{stem}-{name}-seed-{seed}", seed=seed))
        for seed in range(seeds)
        for name, one in configs.items()
    ]
    for _, _, one in work:
        existing = existing_run(one, runs)
        if existing is not None:
            check_same_experiment(existing, one)
    return work


def _variants(
    config: RunConfig, without: Sequence[str] | None, runs: Path, watch: Watcher
) -> tuple[dict[str, str], dict[str, RunConfig]]:
    """Titles and configurations by variant, the whole one first; each can be built."""
    for name in without or ():
        INGREDIENTS.get(name)  # a misspelt one is said before images are fetched
    decided = decide(config, runs, watch)
    whole = Whole(config, decided.start.architecture, len(decided.split.train))
    if not len(decided.split.validation):
        raise ConfigError(
            "there is no validation image to compare by", where="data.validation", expected="some"
        )
    chosen = choose_ingredients(whole, without)
    titles = {WHOLE: "everything"} | {name: one.title for name, one in chosen.items()}
    configs = {WHOLE: config}
    for name, ingredient in chosen.items():
        configs[name] = make_config([config.to_dict(), ingredient.without(whole)])
        decide(configs[name], runs, watch)
    return titles, configs


@dataclass(eq=False)
class _Progress:
    """What has been trained so far."""

    target: str
    titles: Mapping[str, str]
    configs: Mapping[str, RunConfig]
    command: tuple[str, ...]
    done: dict[tuple[str, int], Run] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)

    def add(self, name: str, seed: int, run: Run, failure: str | None) -> None:
        """Take note of a training that has ended, well or not."""
        if failure is None:
            self.done[name, seed] = run
        else:
            self.failed.append(f"{self.titles[name]}, seed {seed}: {failure}")

    def record(self) -> AblationRecord:
        """What the document is made of."""
        accuracies: dict[str, dict[int, float]] = {name: {} for name in self.titles}
        images = 0
        for (name, seed), run in self.done.items():
            evaluation = evaluation_of(run, "validation")
            if evaluation is not None:
                accuracies[name][seed] = evaluation.scores.top1
                images = evaluation.scores.n
        whole = Effect(WHOLE, self.titles[WHOLE], accuracies[WHOLE])
        others = [
            (name, self.titles[name], accuracies[name]) for name in self.titles if name != WHOLE
        ]
        variants = [
            Variant(effect, _changes(self.configs[WHOLE], self.configs[effect.name]))
            for effect in (whole, *effects_of(whole.accuracies, others, images=images or None))
        ]
        return AblationRecord(
            target=self.target,
            variants=tuple(variants),
            images=images,
            failed=tuple(self.failed),
            command=self.command,
            run=next((run for (name, _), run in self.done.items() if name == WHOLE), None),
        )


def _changes(whole: RunConfig, variant: RunConfig) -> dict[str, Any]:
    """Setting -> value, where the variant's differs."""
    before, after = whole.to_dict(), variant.to_dict()
    changes = {}
    for key in changed_keys(before, after):
        value: Any = after
        for part in key.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        changes[key] = value
    return changes
