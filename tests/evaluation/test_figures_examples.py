"""Rows of example images: every word stays within the picture."""

from __future__ import annotations

import numpy as np
import pytest

from cnnlab.evaluation.figures import ExampleRow, example_rows

HEADINGS = (
    "äpfel_grün taken for red apple: 3 images, 50.0% of äpfel_grün",
    "automobile taken for truck: 1 image, 100.0% of automobile",
    "MALIGNANT MELANOMA taken for MEMBRANE WOUND: 12 images, 50.0% of MALIGNANT MELANOMA",
    "cat taken for dog: 2 images, 1.0% of cat",
)


@pytest.mark.parametrize("shown", [1, 3, 8])
@pytest.mark.parametrize("heading", HEADINGS)
def test_headings_stay_within_the_picture(heading: str, shown: int) -> None:
    images = np.zeros((shown, 8, 8, 3), np.uint8)
    figure = example_rows([ExampleRow(heading, images, ["39.4%"] * shown)]).figure()
    assert all(text.get_window_extent().x1 <= figure.bbox.x1 for text in figure.texts)


def test_only_a_heading_longer_than_a_full_row_is_cut() -> None:
    images = np.zeros((3, 8, 8, 3), np.uint8)
    for heading, whole in ((HEADINGS[0], True), ("a class " * 30, False)):
        figure = example_rows([ExampleRow(heading, images, ["a", "b", "c"])]).figure()
        assert (figure.texts[0].get_text() == heading) is whole
