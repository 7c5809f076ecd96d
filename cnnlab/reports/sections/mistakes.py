"""What was taken for what, with the images themselves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cnnlab.data.dataset import Dataset
from cnnlab.evaluation.evaluate import Evaluation
from cnnlab.evaluation.figures import (
    MOST_IN_A_ROW,
    ExampleRow,
    captioned_images,
    example_rows,
)
from cnnlab.evaluation.mistakes import Mistake, confused_pairs, surest_mistakes
from cnnlab.reports.document import Block, Figure, Note, Paragraph, Table
from cnnlab.reports.record import RunRecord
from cnnlab.reports.section import section
from cnnlab.reports.seed_groups import one_after_the_other
from cnnlab.reports.wording import count, decimal, enumeration, percent, plural

_MOST_PAIRS, _MOST_MISTAKES = 5, 15


@section("mistakes", order=87, title="Mistakes and their images")
def mistakes(records: Sequence[RunRecord]) -> list[Block]:
    """The most confused pairs and the surest mistakes on validation, shown where images are."""
    return one_after_the_other(records, _describe)


def _describe(record: RunRecord) -> list[Block]:
    evaluation = record.evaluation("validation")
    if evaluation is None:
        return [Note(record.without_predictions("validation"))]
    surest = surest_mistakes(evaluation, _MOST_MISTAKES)
    if not surest:
        return [Paragraph("No validation image was classified wrongly.")]
    wrong = evaluation.scores.n - evaluation.scores.correct
    said = (
        f"{count(wrong)} of {plural(evaluation.scores.n, 'validation image')} were classified "
        "wrongly. Images of test are not shown: whoever looks at its mistakes and then changes "
        "something has chosen on test."
    )
    blocks: list[Block] = [Paragraph(said)]
    if record.images is None:
        blocks.append(Note(record.without_images))
    else:
        blocks.append(_pairs(record, evaluation, record.images))
        blocks.append(_surest(record, evaluation, record.images, surest))
    return [*blocks, _table(evaluation, surest)]


def _pairs(record: RunRecord, evaluation: Evaluation, images: Dataset) -> Figure:
    names = evaluation.class_names
    probabilities = dict(
        zip(
            evaluation.predictions.indices.tolist(),
            evaluation.probabilities.max(axis=1).tolist(),
            strict=True,
        )
    )
    pairs = confused_pairs(evaluation, _MOST_PAIRS)
    rows, said = [], []
    for pair in pairs:
        true, predicted = names[pair.true], names[pair.predicted]
        some = pair.rows[:MOST_IN_A_ROW]
        what = f"{true} taken for {predicted}: {plural(pair.count, 'image')}"
        rows.append(
            ExampleRow(
                f"{what}, {percent(pair.share, 1)} of {true}",
                images.images[np.array(some)],
                [percent(probabilities[row], 1) for row in some],
            )
        )
        said.append(f"{len(some)} of {what}")
    return Figure(
        name=f"{record.slug}-confused",
        svg=example_rows(rows).svg(),
        alt=f"Example images of the most frequent mistakes of {record.label}: {'; '.join(said)}.",
        caption=(
            f"The most frequent mistakes of {record.label} on validation, a row each, the images "
            "of which it was surest first; below each the probability of the predicted class, "
            "before calibration."
        ),
    )


def _surest(
    record: RunRecord, evaluation: Evaluation, images: Dataset, surest: Sequence[Mistake]
) -> Figure:
    names = evaluation.class_names
    captions = [
        [
            f"row {mistake.row}",
            f"is: {names[mistake.true]}",
            f"said: {names[mistake.predicted]}",
            percent(mistake.probability, 1),
        ]
        for mistake in surest
    ]
    kinds = [f"{names[m.true]} taken for {names[m.predicted]}" for m in surest[:3]]
    rows = np.array([mistake.row for mistake in surest])
    return Figure(
        name=f"{record.slug}-surest-mistakes",
        svg=captioned_images(images.images[rows], captions).svg(),
        alt=(
            f"The {plural(len(surest), 'validation image')} of which {record.label} was surest and "
            f"wrong; the first are {enumeration(kinds)}. The table below names all."
        ),
        caption=(
            f"The {plural(len(surest), 'validation image')} of which {record.label} was surest and "
            "wrong: row of the dataset, true class, predicted class and its probability, before "
            "calibration."
        ),
    )


def _table(evaluation: Evaluation, surest: Sequence[Mistake]) -> Table:
    names = evaluation.class_names
    return Table.of(
        ["Row", "True class", "Predicted class", "Probability of it", "Of the true class"],
        [
            [
                str(mistake.row),
                names[mistake.true],
                names[mistake.predicted],
                decimal(mistake.probability),
                decimal(mistake.true_probability),
            ]
            for mistake in surest
        ],
        f"The hardest validation images for {evaluation.run.name}: those that it was surest of and "
        "wrong, by their row in the dataset, with the probability that it gave to the class that "
        "it predicted and to the true one, before calibration (softmax of its logits, temperature "
        "1).",
        text_columns=(0, 1, 2),
    )
