"""The model card: a head that YAML reads, figures that recompute, words that stay."""

import json
import re

import numpy as np
import pytest
import yaml
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score, log_loss
from statsmodels.stats.proportion import proportion_confint

import cnnlab
from cnnlab.bundle import bundle_of
from cnnlab.errors import ConfigError, DataError, InputError
from cnnlab.reports.model_card import write_model_card
from cnnlab.training.checkpoint import save_tensors

#: What the hub's specification asks of each entry of a model index.
REQUIRED = {"task": {"type"}, "dataset": {"type", "name"}}
SECTIONS = [
    "Model details",
    "Intended use",
    "Training data",
    "Training procedure",
    "Evaluation",
    "Limitations",
    "How to use",
    "Environmental cost",
]


def with_weights(run):
    """Give a run that was made without training the weights of a network that knows nothing."""
    network = run.architecture().build()
    weights = {f"model.{name}": value for name, value in network.state_dict().items()}
    save_tensors(run.best_weights, weights, {"stage": 1, "epoch": 3, "step": 300})
    return run


@pytest.fixture(scope="module")
def run(make_run):
    return with_weights(make_run("carded", model="model-f"))


@pytest.fixture(scope="module")
def unopened(make_run):
    return with_weights(make_run("unopened", evaluated=("validation",), right=0.5))


@pytest.fixture(scope="module")
def odd(odd_run):
    return with_weights(odd_run)


def parts(text):
    """The head as plain YAML reads it, and the sections by their titles."""
    head, body = re.fullmatch(r"---\n(.*?)\n---\n(.*)", text, re.DOTALL).groups()
    pieces = re.split(r"^## (.+)$", body, flags=re.MULTILINE)
    return yaml.safe_load(head), dict(zip(["", *pieces[1::2]], pieces[::2], strict=True))


def predictions(run, split):
    saved = np.load(run.path / "predictions" / f"{split}.npz")
    return saved["logits"], saved["labels"]


def test_the_head_has_the_keys_that_the_hub_documents(run, tmp_path):
    card = write_model_card(run, tmp_path / "README.md", license="MIT")
    head, _ = parts(card.path.read_text("utf-8"))
    assert head == card.head
    assert head["license"] == "mit"
    assert (head["library_name"], head["pipeline_tag"]) == ("cnnlab", "image-classification")
    assert {"image-classification", "cnnlab"} < set(head["tags"])
    assert head["datasets"] == ["uoft-cs/cifar10"]
    assert head["metrics"] == ["accuracy", "f1"]
    [model] = head["model-index"]
    assert model["name"] == "carded"
    assert [result["dataset"]["split"] for result in model["results"]] == ["validation", "test"]
    for result in model["results"]:
        assert all(result[key].keys() >= needed for key, needed in REQUIRED.items())
        assert all(metric.keys() >= {"type", "value", "name"} for metric in result["metrics"])
        assert result["dataset"]["args"] == {"fingerprint": "0123456789abcdef" * 4}


def test_the_figures_are_those_of_the_predictions(run, tmp_path):
    head, _ = parts(write_model_card(run, tmp_path / "README.md").text)
    assert "license" not in head
    for result in head["model-index"][0]["results"]:
        logits, labels = predictions(run, result["dataset"]["split"])
        said = logits.argmax(axis=1)
        found = {metric["type"]: metric for metric in result["metrics"]}
        right = int((said == labels).sum())
        assert found["accuracy"]["value"] == accuracy_score(labels, said)
        assert found["accuracy"]["args"]["n"] == len(labels)
        ends = proportion_confint(right, len(labels), method="wilson")
        assert found["accuracy"]["args"]["interval_95"] == pytest.approx(ends)
        assert found["f1"]["value"] == pytest.approx(f1_score(labels, said, average="macro"))
        balanced = balanced_accuracy_score(labels, said)
        assert found["balanced_accuracy"]["value"] == pytest.approx(balanced)
        shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
        shares = np.exp(shifted) / np.exp(shifted).sum(axis=1, keepdims=True)
        assert found["nll"]["value"] == pytest.approx(log_loss(labels, shares))


def test_the_sections_say_what_the_run_says(run, tmp_path):
    _, body = parts(write_model_card(run, tmp_path / "README.md").text)
    assert list(body) == ["", *SECTIONS]
    assert "# carded" in body[""]
    assert "into 10 classes, trained on CIFAR-10" in body[""]
    assert "airplane, automobile" in body["Model details"]
    assert "0123456789abcdef" * 4 in body["Training data"]
    assert "| training.batch_size | 128 |" in body["Training procedure"]
    assert "cnnlab train --config" in body["Training procedure"]
    assert "were opened once" in body["Evaluation"]
    assert "cnnlab evaluate carded --split test" in body["Evaluation"]
    assert "temperature" in body["Evaluation"]
    assert "Test was opened once" in body["Limitations"]
    assert "cnnlab predict model.safetensors IMAGE" in body["How to use"]
    assert "1 min 23 s" in body["Environmental cost"]
    assert "energy was not measured" in body["Environmental cost"]
    assert "![" not in body["Evaluation"]


def test_test_is_not_shown_where_it_was_never_opened(unopened, tmp_path):
    head, body = parts(write_model_card(unopened, tmp_path / "README.md").text)
    splits = [result["dataset"]["split"] for result in head["model-index"][0]["results"]]
    assert splits == ["validation"]
    assert "have not been opened" in body["Evaluation"]
    assert not unopened.ledger


def test_weak_classes_are_those_below_the_rest(unopened, tmp_path):
    """A class is named where its recall's exact interval lies below the accuracy's."""
    from scipy.stats import beta

    saved = unopened.predictions("validation")
    logits = saved.logits.copy()
    logits[:] = 0
    logits[np.arange(len(logits)), saved.labels] = 1
    cats = np.flatnonzero(saved.labels == 3)
    logits[cats] = np.eye(10, dtype=np.float32)[5]
    logits[cats[0]] = np.eye(10, dtype=np.float32)[3]
    changed = type(saved)(logits, saved.labels, saved.indices)
    unopened.save_predictions("validation", changed)
    try:
        _, body = parts(write_model_card(unopened, tmp_path / "README.md").text)
    finally:
        unopened.save_predictions("validation", saved)
    n = len(cats)
    low, high = beta.ppf(0.025, 1, n), beta.ppf(0.975, 2, n - 1)
    assert f"cat ({100 / n:.1f}%, {100 * low:.1f}% to {100 * high:.1f}%)" in body["Limitations"]
    assert "airplane (" not in body["Limitations"]


def test_odd_names_are_shown_as_they_are(odd, odd_names, tmp_path):
    from markdown_it import MarkdownIt

    text = write_model_card(odd, tmp_path / "README.md").text
    head, _ = parts(text)
    assert head["datasets"] == ["my-data"]
    assert head["model-index"][0]["results"][0]["dataset"]["name"] == "my <data>"
    page = MarkdownIt("commonmark").enable("table").render(text.partition("\n---\n")[2])
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_own_words_stay_and_stand_in_their_sections(run, tmp_path):
    words, out = tmp_path / "words.md", tmp_path / "README.md"
    first = write_model_card(run, out, text=words)
    assert first.stub == words
    assert "<!--" in words.read_text()
    assert "<!--" not in first.text
    own = (
        "Read me first.\n\n## Limitations\n\nNever saw **snow**.\n\n```\n# no heading\n```\n\n"
        "<!-- a note -->\n\n## Citation\n\n![x](y.png) A. Author, 2026.\n"
    )
    words.write_text(own)
    second = write_model_card(run, out, text=words)
    assert second.stub is None
    assert words.read_text() == own
    _, body = parts(out.read_text("utf-8"))
    assert list(body) == ["", *SECTIONS, "Citation"]
    assert body[""].index("Read me first.") < body[""].index("A convolutional network")
    assert body["Limitations"].strip().startswith("Never saw **snow**.\n\n```\n# no heading\n```")
    assert "![x](y.png) A. Author, 2026." in body["Citation"]
    assert "a note" not in second.text
    (tmp_path / "card-words.md").write_text("## How to use\n\nWith care.\n")
    assert "With care." in write_model_card(run, out).text


def test_what_somebody_else_wrote_is_not_replaced(run, tmp_path):
    out = tmp_path / "README.md"
    out.write_text("# My project\n")
    with pytest.raises(InputError, match="cnnlab card did not write it"):
        write_model_card(run, out)
    assert out.read_text() == "# My project\n"
    with pytest.raises(InputError, match="is a folder"):
        write_model_card(run, tmp_path)
    with pytest.raises(ConfigError, match="--dataset-id"):
        write_model_card(run, tmp_path / "card.md", dataset_id="my data")
    with pytest.raises(ConfigError, match="--license"):
        write_model_card(run, tmp_path / "card.md", license=" ")
    (tmp_path / "words.md").write_bytes(b"\xff")
    with pytest.raises(DataError, match="not UTF-8"):
        write_model_card(run, tmp_path / "card.md", text=tmp_path / "words.md")
    assert not (tmp_path / "card.md").exists()


def test_a_bundle_says_what_it_knows(run, tmp_path):
    bundle_of(run).save(tmp_path / "net.safetensors")
    card = cnnlab.model_card(tmp_path / "net.safetensors", license="Our own", dataset_id="me/mine")
    assert card.path == tmp_path / "README.md"
    head, body = parts(card.text)
    assert (head["license"], head["license_name"]) == ("other", "Our own")
    assert head["datasets"] == ["me/mine"]
    assert "model-index" not in head
    assert list(body) == ["", *SECTIONS]
    assert "does not hold this" in body["Evaluation"]
    assert "0123456789abcdef" * 4 in body["Training data"]
    assert "cnnlab predict net.safetensors IMAGE" in body["How to use"]
    assert json.dumps(card.to_dict())
