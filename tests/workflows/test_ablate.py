"""Ablations, from the ingredients to the document, on a few digits."""

import json

import pytest
from scipy import stats

from cnnlab.config import make_config
from cnnlab.data import SOURCES
from cnnlab.errors import (
    ArchitectureError,
    ConfigError,
    DivergedError,
    Interrupted,
    RunError,
    UnknownNameError,
)
from cnnlab.evaluation.ablation import Effect, effects_of, sentence_of
from cnnlab.evaluation.figures import Estimate, forest_plot
from cnnlab.models import MODELS, load_architecture
from cnnlab.recipes import recipe_names
from cnnlab.runs import open_run
from cnnlab.training.events import EpochDone, Notice
from cnnlab.training.loop import resume
from cnnlab.workflows import continued
from cnnlab.workflows.ablate import ablate, configure_target
from cnnlab.workflows.ingredients import INGREDIENTS, Whole, choose_ingredients

LEFT_OUT = ["batchnorm", "decay", "full-data"]
F_HAS = ["adamax", "batchnorm", "decay", "dropout", "full-data", "spatial-dropout"]
SMALL = {
    "data": {"source": "digits", "train": 120, "validation": 100, "test": 10},
    "training": {"epochs": 2, "batch_size": 16},
    "threads": 1,
    "device": "cpu",
}


def whole_of(target):
    config = configure_target(target, {})
    architecture = load_architecture(config.model.name, params=config.model.params)
    return Whole(config, architecture, 40_000)


def test_model_f_is_made_of_what_the_report_says():
    assert list(choose_ingredients(whole_of("model-f"))) == F_HAS


@pytest.mark.parametrize("target", [*MODELS, *recipe_names()])
def test_every_ingredient_can_be_left_out_and_is_gone_then(target):
    whole = whole_of(target)
    for name, ingredient in choose_ingredients(whole).items():
        config = make_config([whole.config.to_dict(), ingredient.without(whole)])
        assert config != whole.config
        architecture = load_architecture(
            config.model.name, params=config.model.params, without=config.model.without
        )
        assert not INGREDIENTS.get(name).applies(Whole(config, architecture, 40_000)), name
        assert config.data == whole.config.data
        assert config.seed == whole.config.seed


def test_every_ingredient_is_in_some_model_or_recipe():
    targets = [whole_of(target) for target in [*MODELS, *recipe_names()]]
    found = {name for whole in targets for name in choose_ingredients(whole)}
    assert set(INGREDIENTS) - found <= {"cutout", "ema"}


def test_layers_are_left_out_of_the_list():
    full, bare = (
        load_architecture("model-f", without=without) for without in ([], ["BatchNormalization"])
    )
    types = [step.type for step in bare.steps]
    assert types == [step.type for step in full.steps if step.type != "BatchNormalization"]
    assert [step.output_shape for step in bare.steps] == [
        step.output_shape for step in full.steps if step.type != "BatchNormalization"
    ]
    with pytest.raises(ArchitectureError, match="did you mean 'BatchNormalization'"):
        load_architecture("model-f", without=["BatchNormalisation"])
    with pytest.raises(ArchitectureError, match="builder"):
        load_architecture("fastnet", without=["Conv2D"])


def test_what_is_not_in_it_cannot_be_left_out():
    with pytest.raises(ConfigError, match="no muon in it"):
        choose_ingredients(whole_of("model-f"), ["muon"])


# The workflow.


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return tmp_path_factory.mktemp("ablation") / "runs"


@pytest.fixture(scope="module")
def small_f(tmp_path_factory):
    """A miniature of model F: its layers in its order, with few filters."""
    path = tmp_path_factory.mktemp("model") / "small-f.yaml"
    path.write_text(
        "layers:\n"
        "  - {type: Conv2D, filters: 8, kernel_size: 5, strides: 4, padding: same}\n"
        "  - {type: BatchNormalization}\n"
        "  - {type: Activation, activation: relu}\n"
        "  - {type: SpatialDropout2D, rate: 0.15}\n"
        "  - {type: Flatten}\n"
        "  - {type: Dropout, rate: 0.25}\n"
        "  - {type: Dense, units: classes}\n"
        "optimizer: {name: adamax, lr: 1.0e-2, weight_decay: 1.0e-4}\n"
    )
    return str(path)


@pytest.fixture(scope="module")
def said():
    return []


@pytest.fixture(scope="module")
def done(runs, small_f, said):
    """All variants with two seeds: stopped in the middle of a training once."""

    def interrupt(event):
        if isinstance(event, Notice) and event.text.startswith("without weight decay, seed 1"):
            raise Interrupted("stopped by the test")

    asked = {"seeds": 2, "without": LEFT_OUT, "settings": SMALL, "runs": runs}
    with pytest.raises(Interrupted):
        ablate(small_f, **asked, watch=interrupt)
    return ablate(small_f, **asked, command=["cnnlab", "ablate", "x y"], watch=said.append)


def test_what_is_finished_is_left_as_it_is(done, said):
    notices = [event.text for event in said if isinstance(event, Notice)]
    assert sum("nothing to do" in text for text in notices) == 6
    # Without weight decay 2 epochs, and 2 of each of 4 chunks: both with seed 1.
    assert sum(isinstance(event, EpochDone) for event in said) == 2 + 4 * 2
    assert len(done.runs) == 8


def test_the_record_recomputes_from_the_runs(done):
    record = json.loads(json.dumps(done.to_dict(), allow_nan=False))
    by_name = {variant["name"]: variant for variant in record["variants"]}
    assert list(by_name) == ["whole", *LEFT_OUT]
    scores = {}
    for (name, seed), run in done.runs.items():
        predictions = run.predictions("validation")
        scores[name, seed] = float((predictions.classes == predictions.labels).mean())
        assert run.config["seed"] == seed
        assert run.config["data"]["split_seed"] == 0
    for name in LEFT_OUT:
        mine = [scores[name, seed] for seed in (0, 1)]
        full = [scores["whole", seed] for seed in (0, 1)]
        assert by_name[name]["mean"] == pytest.approx(sum(mine) / 2)
        assert by_name[name]["difference"] == pytest.approx((sum(mine) - sum(full)) / 2)
    assert by_name["batchnorm"]["changes"] == {"model.without": ["BatchNormalization"]}
    assert by_name["full-data"]["changes"]["training.stage_size"] == 30
    assert record["n_validation"] == 100
    assert done.to_text().count("\n") > 8


def test_a_variant_can_be_resumed_and_trained_again_from_its_own_configuration(done):
    run = open_run(done.runs["batchnorm", 0].path)
    assert "BatchNormalization" not in [step.type for step in run.architecture().steps]
    (run.path / "result.json").unlink()
    assert resume(run).status == "finished"
    again = run.typed_config()
    shape, classes = run.architecture().input_shape, run.architecture().classes
    model = again.model
    loaded = load_architecture(
        model.name, input_shape=shape, classes=classes, without=model.without
    )
    assert loaded.steps == run.architecture().steps


def test_the_document_says_what_was_measured(done, runs):
    text = (runs / "ablation-small-f/report.md").read_text(encoding="utf-8")
    for heading in ("What matters", "Measured", "What was left out", "Method"):
        assert heading in text
    assert "cnnlab ablate 'x y'" in text
    assert "without batch normalisation" in text
    assert "after Holm" in text
    assert (runs / "ablation-small-f/figures/ablation.svg").stat().st_size > 5_000
    assert (runs / "ablation-small-f/report.html").stat().st_size > 10_000


def test_other_settings_under_the_same_names_are_refused(done, runs, small_f):
    other = {**SMALL, "training": {"epochs": 3, "batch_size": 16}}
    with pytest.raises(RunError, match=r"training\.epochs"):
        ablate(small_f, seeds=1, without=["decay"], settings=other, runs=runs)


def test_a_training_that_diverges_is_noted_and_the_others_go_on(tmp_path, monkeypatch, small_f):
    train = continued.train_and_evaluate

    def diverging(config, runs, watch, **more):
        made = train(config, runs, watch, **more)
        if "without" in str(config.name) or config.optimizer.weight_decay == 0:
            raise DivergedError("the loss became nan")
        return made

    monkeypatch.setattr(continued, "train_and_evaluate", diverging)
    settings = {**SMALL, "training": {"epochs": 1, "batch_size": 16}}
    found = ablate(small_f, seeds=1, without=["decay"], settings=settings, runs=tmp_path)
    assert found.record.failed == ("without weight decay, seed 0: the loss became nan",)
    text = (tmp_path / "ablation-small-f/report.md").read_text(encoding="utf-8")
    assert "the loss became nan" in text
    assert "no training of it was finished" in found.to_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("model-g",), "did you mean"),
        (("model-f", "--data", "digits", "--without", "batchnrm"), "did you mean 'batchnorm'"),
        (("model-f", "--data", "digits", "--without", "muon"), "there is no muon in it"),
        (("model-f", "--data", "digits", "--seeds", "0"), "1 to 1000"),
    ],
)
def test_what_cannot_be_is_one_line(arguments, said, capsys, tmp_path, monkeypatch):
    from cnnlab.cli.main import main

    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["ablate", *arguments])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


# The statistics and their words.


def test_effects_are_paired_by_seed_and_adjusted_for_their_number():
    whole = {0: 0.80, 1: 0.81, 2: 0.79}
    others = [
        ("a", "without a", {0: 0.70, 1: 0.72, 2: 0.69}),
        ("b", "without b", {0: 0.80, 2: 0.80}),
        ("c", "without c", {1: 0.5}),
    ]
    a, b, c = effects_of(whole, others)
    expected = stats.ttest_rel([0.70, 0.72, 0.69], [0.80, 0.81, 0.79]).pvalue
    assert a.difference.p_value == pytest.approx(expected)
    assert a.p_holm == pytest.approx(2 * expected)
    assert b.difference.value == pytest.approx(0.005)
    assert c.difference is None
    full = Effect("whole", "everything", whole)
    assert "points less" in sentence_of(a, full)
    assert sentence_of(a, full).endswith("what is left out helps.")
    assert "over 2 seeds" in sentence_of(b, full)
    assert sentence_of(b, full).endswith("cannot tell that from chance.")
    assert "in one training" in sentence_of(c, full)


def test_trainings_that_agree_to_the_image_prove_nothing():
    """Seeds that differ by one image of 300 alike are no sign of an effect that never varies."""
    whole = {0: 240 / 300, 1: 246 / 300}
    (effect,) = effects_of(whole, [("a", "without a", {0: 237 / 300, 1: 243 / 300})], images=300)
    assert effect.p_holm == pytest.approx(0.061, abs=0.001)
    assert sentence_of(effect, Effect("whole", "all", whole)).endswith("tell that from chance.")


def test_a_misspelt_ingredient_is_said_before_images_are_fetched(monkeypatch, tmp_path):
    def fetch(self, say, **limits):
        raise AssertionError("fetched")

    monkeypatch.setenv("CNNLAB_HOME", str(tmp_path))
    monkeypatch.setattr(type(SOURCES.get("cifar10")), "fetch", fetch)
    with pytest.raises(UnknownNameError, match="did you mean 'flip'"):
        ablate("model-f", without=["flop"], settings={"data": {"source": "cifar10"}})


def test_it_is_the_whole_that_was_not_finished():
    said = sentence_of(Effect("a", "without a", {0: 0.5}), Effect("whole", "everything", {}))
    assert said == "without a: no training of the whole was finished, so there is no difference."


def test_a_forest_plot_is_drawn_for_any_interval():
    rows = [Estimate("a", -0.05, -0.06, -0.04, True), Estimate("b <x>", 0.0, -0.9, 0.9, False)]
    svg = forest_plot(rows, reference="all").svg()
    assert svg.startswith(b"<?xml")
    low, high = forest_plot(rows[:1] * 2, reference="all").figure().axes[0].get_xlim()
    assert low < -6
    assert high > 0
