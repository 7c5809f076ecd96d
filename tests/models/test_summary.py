"""Summaries: Keras's table, the promised keys, no torch."""

from __future__ import annotations

import subprocess
import sys

from cnnlab.models import Architecture, load_architecture


def test_summary_is_keras_s_table() -> None:
    text = load_architecture("model-a").summary().to_text()
    lines = text.splitlines()
    assert lines[2].split() == ["Layer", "(type)", "Output", "Shape", "Param", "#"]
    assert lines[4].split("  ")[0] == "conv2d (Conv2D)"
    assert "(None, 28, 28, 64)" in lines[4]
    assert lines[4].endswith(" 3,200")
    assert "Total params: 626,762 (2.39 MB)" in lines
    assert "Non-trainable params: 0 (0.00 B)" in lines
    assert text.isascii()
    assert len({len(line) for line in lines[1:5]}) == 1


def test_summary_dictionary_has_the_promised_keys() -> None:
    content = load_architecture("model-f").summary().to_dict()
    assert content["total_params"] == 1_707_274
    assert content["non_trainable_params"] == 1_664
    assert content["layers"][1]["name"] == "batch_normalization"
    assert content["layers"][1]["output_shape"] == [32, 32, 64]
    assert {"trainable_params", "flops", "parameters_bytes", "activations_bytes"} < set(content)


def test_summary_sizes_go_up_to_gigabytes() -> None:
    layers = (
        {"type": "Flatten"},
        {"type": "Dense", "units": 20_000},
        {"type": "Dense", "units": 2},
    )
    summary = Architecture("large", (120, 120, 1), 2, layers).summary()
    assert "(1.07 GB)" in str(summary)
    assert summary.parameters_bytes == 4 * (14_400 * 20_000 + 20_000 + 2 * 20_000 + 2)


def test_summary_shows_itself_in_a_notebook() -> None:
    architecture = Architecture(
        "<b>", (4, 4, 1), 3, ({"type": "Flatten"}, {"type": "Dense", "units": 3})
    )
    page = architecture.summary()._repr_html_()
    assert "&lt;b&gt;" in page
    assert "<b>" not in page


def test_summary_needs_no_torch() -> None:
    code = (
        "import sys; from cnnlab.models import load_architecture, MODELS\n"
        "for name in MODELS: load_architecture(name).summary().to_text()\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
