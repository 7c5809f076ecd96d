"""A network of which it is known what it looks at."""

from __future__ import annotations

import numpy as np
import pytest
from small_bundles import planted_bundle, planted_images

from cnnlab.bundle import Bundle


@pytest.fixture(scope="session")
def planted() -> Bundle:
    """It has learnt the colour of a patch in one of the corners, and nothing else."""
    bundle = planted_bundle()
    images, labels, _ = planted_images(300, seed=7)
    accuracy = np.mean(bundle.logits(images).argmax(axis=1) == labels)
    assert accuracy > 0.97, "it has to know the patch before it can be asked where it is"
    return bundle
