"""Several runs side by side: a table, and for each pair what can be said of it."""

from cnnlab.evaluation.compare.comparison import Comparison, Pair, compare
from cnnlab.evaluation.compare.recipes import recipes_of
from cnnlab.evaluation.compare.rows import Row, key_features, table_row
from cnnlab.evaluation.compare.runs import Disagreement, validated_alike

__all__ = [
    "Comparison",
    "Disagreement",
    "Pair",
    "Row",
    "compare",
    "key_features",
    "recipes_of",
    "table_row",
    "validated_alike",
]
