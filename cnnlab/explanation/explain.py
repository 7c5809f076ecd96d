"""Ask a model why it says what it says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cnnlab.bundle import Bundle
from cnnlab.data.source import Say, unsaid
from cnnlab.errors import DataError, InputError, UnknownNameError
from cnnlab.explanation.checks import checked_image, class_called
from cnnlab.explanation.explanation import Explanation, HeatMap
from cnnlab.explanation.grad_cam import grad_cam
from cnnlab.explanation.layer_cam import layer_cam
from cnnlab.explanation.layers import fine_map_layer, map_layer
from cnnlab.explanation.nearest import METRICS, Neighbours, TrainingImages
from cnnlab.explanation.occlusion import UNITS, occlusion, window_for
from cnnlab.models.layers import shape_text
from cnnlab.models.plan import Step
from cnnlab.prediction.answers import ImageError, predictions_from, unreadable
from cnnlab.prediction.predict import Model, Progress, as_bundle, unwatched
from cnnlab.prediction.reading import read_images
from cnnlab.prediction.sources import Given, ImageSource, gather
from cnnlab.registry import suggestion

__all__ = ["METHODS", "Explainer", "Question", "explain"]

METHODS = ("grad-cam", "layer-cam", "occlusion", "nearest")
#: Of the methods that weigh a layer's map: what makes the map, and which layer it takes.
_WEIGHED = {"grad-cam": (grad_cam, map_layer), "layer-cam": (layer_cam, fine_map_layer)}
_NAMED = 3


@dataclass(frozen=True)
class Question:
    """What is to be explained, and how.

    Attributes
    ----------
    methods: one or several of :data:`METHODS`, or "all".
    class_name: whose evidence; the predicted class where None.
    layer: that of Grad-CAM and Layer-CAM, where not the one that each takes by itself
        (``map_layer`` and ``fine_map_layer`` of :mod:`cnnlab.explanation.layers`).
    patch, stride: occlusion's, in pixels; see :func:`cnnlab.explanation.occlusion.window_for`.
    unit: occlusion's: the drop in "probability" or "logit".
    neighbours: how many training images to name; metric: "cosine" or "euclidean".
    """

    methods: str | Sequence[str] = "grad-cam"
    class_name: str | None = None
    layer: str | None = None
    patch: int | None = None
    stride: int | None = None
    unit: str = "probability"
    neighbours: int = 5
    metric: str = "cosine"

    def __post_init__(self) -> None:
        methods = [self.methods] if isinstance(self.methods, str) else [*self.methods]
        object.__setattr__(self, "methods", METHODS if methods == ["all"] else methods)
        if not methods:
            raise InputError("no method", where="method", expected=", ".join(METHODS))
        for where, known, asked in (
            ("method", METHODS, self.methods),
            ("unit", UNITS, [self.unit]),
            ("metric", METRICS, [self.metric]),
        ):
            for name in asked:
                if name not in known:
                    todo = suggestion(name, list(known))
                    raise UnknownNameError(f"nothing is called '{name}'", where=where, todo=todo)


class Explainer:
    """A model with a question: what stays the same from image to image is found out once.

    Raises :class:`InputError` where the question does not fit the model: no such class or layer,
    a patch larger than the image; and :class:`RunError` for the nearest images of a bundle's file.
    ``watch`` hears of the training images whose features are computed.
    """

    def __init__(
        self,
        bundle: Bundle,
        question: Question,
        *,
        say: Say = unsaid,
        watch: Progress = unwatched,
    ) -> None:
        self.bundle, self.question = bundle, question
        height, width, _ = bundle.input_shape
        name = question.class_name
        self._class = None if name is None else class_called(bundle, name)
        self._window = window_for(height, width, question.patch, question.stride)
        self._map_layers: dict[str, Step] = {
            method: layer_of(bundle.architecture, question.layer)
            for method, (_, layer_of) in _WEIGHED.items()
            if method in question.methods
        }
        self._training: TrainingImages | None = None
        if "nearest" in question.methods:
            self._training = TrainingImages.of(bundle, say=say, watch=watch)

    def explain(self, image: NDArray[np.uint8], path: str = "image") -> Explanation:
        """Explain uint8 ``[H, W, C]`` of the bundle's input shape; ``path`` is what it is called.

        Raises :class:`InputError` for another shape.
        """
        checked_image(self.bundle, image)
        logits = self.bundle.logits(image[None])
        top_k = min(_NAMED, len(self.bundle.class_names))
        (said,) = predictions_from(self.bundle, logits, [path], top_k=top_k)
        index = int(logits[0].argmax()) if self._class is None else self._class
        return Explanation(
            prediction=said,
            class_name=self.bundle.class_names[index],
            probability=float(self.bundle.probabilities(logits)[0, index]),
            image=image,
            maps=tuple(self._maps(image, index)),
            neighbours=self._neighbours(image),
        )

    def _maps(self, image: NDArray[np.uint8], index: int) -> Iterator[HeatMap]:
        window, unit = self._window, self.question.unit
        for method, step in self._map_layers.items():
            heat = _WEIGHED[method][0](self.bundle, image, index, layer=step.name)
            size = shape_text(step.output_shape[:2])
            settings = {"layer": step.name, "map_size": list(step.output_shape[:2])}
            yield HeatMap(method, heat, "logit", f"{step.name}, {size}", settings)
        if "occlusion" in self.question.methods:
            drop = occlusion(
                self.bundle, image, index, patch=window.patch, stride=window.stride, unit=unit
            )
            made = f"{window.patch}x{window.patch} hidden, stride {window.stride}"
            yield HeatMap("occlusion", drop, unit, made, vars(window))

    def _neighbours(self, image: NDArray[np.uint8]) -> Neighbours | None:
        if self._training is None:
            return None
        return self._training.nearest(image, self.question.neighbours, metric=self.question.metric)

    def each(
        self, sources: Sequence[ImageSource], *, watch: Progress = unwatched
    ) -> Iterator[Explanation | ImageError]:
        """Yield the explanation of every image in order, or why it cannot be read."""
        for done, (source, image) in enumerate(read_images(self.bundle, sources), start=1):
            if isinstance(image, DataError):
                yield ImageError(source.path, image)
            else:
                yield self.explain(image, source.path)
            watch(done, len(sources))


def explain(
    model: Model,
    images: Given | Iterable[Given],
    question: Question | None = None,
    *,
    device: str | None = None,
    runs: Path = Path("runs"),
    say: Say = unsaid,
    watch: Progress = unwatched,
    **asked: object,
) -> list[Explanation]:
    """Say why a model says what it says of images.

    ``cnnlab.explain("f", "cat.jpg", methods=["grad-cam", "occlusion"])[0]`` shows itself as a
    picture in a notebook; ``.map("grad-cam")`` is the heat map as an array, ``.figure()`` the
    picture, whose ``.png()`` and ``.svg()`` are a file's bytes.

    Parameters
    ----------
    model, images, device, runs: as :func:`cnnlab.predict` takes them.
    question: what to explain. Its attributes by name (:class:`Question`) do as well, and win.

    Raises :class:`DataError` where any image cannot be read, :class:`RunError` and
    :class:`InputError` as :class:`Explainer` does.
    """
    question = replace(question or Question(), **asked)  # type: ignore[arg-type] # a wrong one is named
    bundle = as_bundle(model, runs=runs, device=device, say=say)
    sources = gather(images, bundle.class_names, say=say)
    found: list[Explanation] = []
    errors: list[ImageError] = []
    explainer = Explainer(bundle, question, say=say, watch=watch)
    for answer in explainer.each(sources, watch=watch):
        if isinstance(answer, ImageError):
            errors.append(answer)
        else:
            found.append(answer)
    if errors:
        raise unreadable(errors, len(sources))
    return found
