"""``cnnlab explain``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cnnlab.cli.options import Device, Images, Json, ModelName, Offline, RunsFolder, go_offline
from cnnlab.cli.output import note, print_result


def explain(
    model: ModelName,
    images: Images,
    method: Annotated[
        str,
        typer.Option(
            metavar="NAMES", help="grad-cam, layer-cam, occlusion, nearest (commas); or all."
        ),
    ] = "grad-cam",
    class_name: Annotated[
        str | None,
        typer.Option("--class", metavar="NAME", help="Explain this class (the predicted one)."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER|FILE", help="Where pictures go (explanations/); .png, .svg."),
    ] = None,
    layer: Annotated[
        str | None, typer.Option(metavar="NAME", help="The layer of Grad-CAM and Layer-CAM.")
    ] = None,
    patch: Annotated[
        int | None, typer.Option(min=1, metavar="PIXELS", help="Side of what occlusion hides.")
    ] = None,
    stride: Annotated[
        int | None, typer.Option(min=1, metavar="PIXELS", help="By how much that moves.")
    ] = None,
    unit: Annotated[
        str, typer.Option(metavar="UNIT", help="What occlusion measures: probability or logit.")
    ] = "probability",
    neighbours: Annotated[
        int, typer.Option(min=1, metavar="K", help="Training images to name with nearest.")
    ] = 5,
    metric: Annotated[
        str, typer.Option(metavar="NAME", help="How near: cosine or euclidean.")
    ] = "cosine",
    device: Device = None,
    runs: RunsFolder = Path("runs"),
    offline: Offline = False,
    as_json: Json = False,
) -> None:
    """Show why a model says so: heat maps, nearest images.

    Evidence in the image (Grad-CAM, Layer-CAM, occlusion), and training images like it.
    """
    from cnnlab.cli.progress import counting
    from cnnlab.explanation import Question
    from cnnlab.prediction.answers import refuse_some
    from cnnlab.workflows.explain import explain_into

    go_offline(offline)
    named = [name.strip() for name in method.split(",") if name.strip()]
    question = Question(
        methods=named,
        class_name=class_name,
        layer=layer,
        patch=patch,
        stride=stride,
        unit=unit,
        neighbours=neighbours,
        metric=metric,
    )
    with counting("explaining", "images") as watch:
        done = explain_into(
            out, model, images, question, device=device, runs=runs, say=note, watch=watch
        )
    print_result(done, as_json)
    refuse_some(done.errors, len(done.records) + len(done.errors), say=note)
