"""The area under the ROC curve against scikit-learn, its variance against the definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from cnnlab.errors import InputError
from cnnlab.metrics.ranking import auc_with_interval

_SCORES = st.lists(st.integers(-5, 5), min_size=2, max_size=30)


@given(_SCORES, _SCORES)
def test_area_and_variance_are_those_of_the_definition(positives, negatives):
    area, (low, high) = auc_with_interval(positives, negatives)
    kinds = [1] * len(positives) + [0] * len(negatives)
    assert area == pytest.approx(roc_auc_score(kinds, [*positives, *negatives]))
    wins = np.array([[(p > n) + (p == n) / 2 for n in negatives] for p in positives], dtype=float)
    variance = wins.mean(axis=1).var(ddof=1) / len(positives)
    variance += wins.mean(axis=0).var(ddof=1) / len(negatives)
    half = 1.959964 * np.sqrt(variance)
    assert low == pytest.approx(max(0, area - half), abs=1e-6)
    assert high == pytest.approx(min(1, area + half), abs=1e-6)


def test_too_few_scores_or_none_are_refused():
    with pytest.raises(InputError, match="two or more"):
        auc_with_interval([1.0], [0.0, 1.0])
    with pytest.raises(InputError, match="two or more"):
        auc_with_interval([1.0, np.nan], [0.0, 1.0])
