"""The pointing game, by hand and on a network that knows no shapes."""

import re

import numpy as np
import pytest
from pointing import main, play
from small_bundles import bundle_of_layers

from cnnlab.data.shapes_outlines import OUTLINES


def test_a_game_by_hand():
    masks = np.zeros((3, 4, 4), dtype=bool)
    masks[:, 1:3, 1:3] = True
    heats = np.zeros((3, 4, 4), dtype=np.float32)
    heats[0, 1, 2], heats[0, 0, 0], heats[0, 3, 3] = 3, 1, -5  # on it, three quarters inside
    heats[1, 0, 3] = 2  # beside it
    game = play("mine", heats, masks)  # the third has nothing to show
    assert (game.hits, game.n, game.inside) == (1, 3, 0.25)


def test_the_command_says_each_method_and_chance(tmp_path, capsys):
    conv = {"type": "Conv2D", "filters": 4, "kernel_size": 3, "strides": 4, "activation": "relu"}
    head = [{"type": "GlobalAveragePooling2D"}, {"type": "Dense", "units": "classes"}]
    bundle = bundle_of_layers([conv, *head], shape=(32, 32, 3), classes=10)
    object.__setattr__(bundle, "class_names", tuple(OUTLINES))
    bundle.save(tmp_path / "shapes.safetensors")
    assert main([str(tmp_path / "shapes.safetensors"), "--images", "40", "--layer", "conv2d"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"[1-9]\d? images", lines[0])
    assert [line.split("  ")[0] for line in lines[2:]] == [
        "grad-cam",
        "layer-cam",
        "occlusion",
        "the middle",
        "grad-cam, conv2d",
        "layer-cam, conv2d",
        "chance",
    ]
    object.__setattr__(bundle, "class_names", tuple("abcdefghij"))
    bundle.save(tmp_path / "other.safetensors")
    assert main([str(tmp_path / "other.safetensors")]) == 2
    assert "not a model of shapes" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["run", "--images", "x"]])
def test_what_cannot_be_asked(arguments):
    with pytest.raises(SystemExit):
        main(arguments)
