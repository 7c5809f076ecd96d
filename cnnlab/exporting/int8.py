"""Static quantization: weights and activations of an ONNX graph in eight bits."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cnnlab.errors import CheckFailed, InputError
from cnnlab.exporting.graph import INPUT, tidied
from cnnlab.exporting.images import Trial
from cnnlab.exporting.libraries import quiet
from cnnlab.exporting.onnx_model import OnnxModel
from cnnlab.exporting.parity import BATCHES
from cnnlab.exporting.speed import Speed, speeds

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

__all__ = ["CALIBRATION", "MOST_LOST", "Quantized", "measured", "quantized"]

#: Training images on which the ranges of activations are measured.
CALIBRATION = 512
_CALIBRATION_BATCH = 64
#: The share of validation images that may be lost; a file that loses more is another model.
MOST_LOST = 0.05
#: Nodes with weights, and those between them that keep eight bits in eight bits. Padding is not
#: among them: that of max pooling is minus infinity.
_WEIGHTED = frozenset({"Conv", "Gemm", "MatMul"})
_BETWEEN = frozenset(
    {"AveragePool", "Clip", "Flatten", "GlobalAveragePool", "MaxPool", "Relu", "Reshape"}
    | {"Transpose"}
)


def quantized(model: ModelProto, images: NDArray[np.uint8], *, where: object) -> ModelProto:
    """The graph with eight-bit weights, one scale a channel, and eight-bit activations.

    Between the first and the last layer with weights; preprocessing and the layer that gives the
    logits stay as they are. Weights have seven bits of the eight, so that processors without
    VNNI, whose sums of two products saturate, give the same answers (onnxruntime's
    ``reduce_range``).

    Parameters
    ----------
    images: uint8 ``[n, H, W, C]``, training images on which ranges are measured.

    Raises :class:`InputError` naming ``where`` for a network with nothing to quantize.
    """
    import onnx
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with tempfile.TemporaryDirectory() as folder, quiet():
        plain, fused, result = (
            Path(folder, f"{name}.onnx") for name in ("plain", "fused", "result")
        )
        onnx.save(model, plain)
        quant_pre_process(str(plain), fused, skip_symbolic_shape=True)
        graph = onnx.load(fused)
        for place, node in enumerate(graph.graph.node):  # what was fused may have no name
            node.name = f"{node.op_type}_{place}"
        onnx.save(graph, fused)
        quantize_static(
            fused,
            result,
            _reader(images),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_quantize=_nodes(graph, where),
        )
        return tidied(onnx.load(result))


def _reader(images: NDArray[np.uint8]) -> Any:
    """What the calibrator asks for batches: those of images, one after the other."""
    from onnxruntime.quantization import CalibrationDataReader

    batches: Iterator[NDArray[np.uint8]] = (
        images[start : start + _CALIBRATION_BATCH]
        for start in range(0, len(images), _CALIBRATION_BATCH)
    )

    class Reader(CalibrationDataReader):  # type: ignore[misc] # onnxruntime has no types
        def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
            batch = next(batches, None)
            return None if batch is None else {INPUT: batch}

    return Reader()


def _nodes(model: ModelProto, where: object) -> list[str]:
    """The names of the nodes to quantize, from the first with weights to before the last."""
    nodes = model.graph.node
    weighted = [place for place, node in enumerate(nodes) if node.op_type in _WEIGHTED]
    if len(weighted) < 2:
        raise InputError(
            "there is nothing to quantize: int8 leaves the layer that gives the logits as it is",
            where=where,
            expected="a network of two or more convolutions and dense layers",
            todo="leave --int8 out",
        )
    constants = {tensor.name for tensor in model.graph.initializer}

    def chosen(node: NodeProto) -> bool:
        if node.op_type == "Add":  # of two branches, not of a bias or a number
            return not constants.intersection(node.input)
        return node.op_type in _WEIGHTED or node.op_type in _BETWEEN

    return [node.name for node in nodes[weighted[0] : weighted[-1]] if chosen(node)]


@dataclass(frozen=True)
class Quantized:
    """What eight bits cost and bring, beside the same graph in fp32.

    Attributes
    ----------
    calibration: training images on which ranges were measured.
    top1, fp32_top1: accuracy on all validation images.
    same_class: the share of validation images with the class that fp32 gives.
    other_by_batch: images whose class differs between batches of 256 and of another size.
    bytes, fp32_bytes: of the files.
    speed, fp32_speed: on this machine, in turns.
    """

    calibration: int
    top1: float
    fp32_top1: float
    same_class: float
    largest_difference: float
    other_by_batch: int
    bytes: int
    fp32_bytes: int
    speed: Speed
    fp32_speed: Speed

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


def measured(
    content: bytes, fp32_content: bytes, trial: Trial, *, calibration: int, where: object
) -> Quantized:
    """Hold an eight-bit file against that in fp32, on all validation images.

    Raises :class:`CheckFailed` naming ``where`` if it loses more than :data:`MOST_LOST`.
    """
    assert trial.labels is not None
    models = {"int8": OnnxModel(content), "fp32": OnnxModel(fp32_content)}
    most = BATCHES[-1]
    logits, fp32 = (model.answers(trial, most)[0] for model in models.values())
    classes = logits.argmax(axis=1)
    places = trial.places(most)
    other = sum(
        int(
            (models["int8"].answers(trial.some(places), size)[0].argmax(1) != classes[places]).sum()
        )
        for size in BATCHES[:-1]
    )
    top1, fp32_top1 = (float((found.argmax(1) == trial.labels).mean()) for found in (logits, fp32))
    if not np.isfinite(logits).all() or fp32_top1 - top1 > MOST_LOST:
        raise CheckFailed(
            f"int8 is right on {top1:.2%} of {len(trial):,} validation images, fp32 on "
            f"{fp32_top1:.2%}",
            where=where,
            expected=f"at most {MOST_LOST:.0%} lost",
            todo="leave --int8 out",
        )
    speed = speeds(models, next(trial.blocks(most)))
    return Quantized(
        calibration=calibration,
        top1=top1,
        fp32_top1=fp32_top1,
        same_class=float((classes == fp32.argmax(axis=1)).mean()),
        largest_difference=float(np.abs(logits - fp32).max()),
        other_by_batch=other,
        bytes=len(content),
        fp32_bytes=len(fp32_content),
        speed=speed["int8"],
        fp32_speed=speed["fp32"],
    )
