"""A bundle as an ONNX graph: uint8 images in, logits and probabilities out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from cnnlab.errors import FailedError, InputError
from cnnlab.exporting.libraries import quiet

if TYPE_CHECKING:
    from onnx import ModelProto

    from cnnlab.bundle import Bundle

__all__ = ["INPUT", "IR_VERSION", "OPSET", "OUTPUTS", "graph_of", "tidied"]

INPUT = "images"
OUTPUTS = ("logits", "probabilities")
#: What torch's exporter is written for, and what onnxruntime reads from 1.14 on.
OPSET, IR_VERSION = 18, 8
#: A protobuf message ends at 2 GiB; what is left is for the graph and the metadata.
_MOST_BYTES = 2_000_000_000
#: Images in the example that the exporter follows; more than one, which it would take as a fact.
_EXAMPLE = 3


class _Deployed(torch.nn.Module):
    """Preprocessing, network, mean over mirror images and softmax as one module."""

    scale: torch.Tensor
    offset: torch.Tensor

    def __init__(self, bundle: Bundle) -> None:
        super().__init__()
        self.network = bundle.network
        self.mirror = bundle.preprocessing.mirror
        self.classes = bundle.architecture.classes
        self.temperature = bundle.temperature or 1.0
        scale, offset = bundle.preprocessing.affine()
        self.register_buffer("scale", scale.float().view(-1, 1, 1))
        self.register_buffer("offset", offset.float().view(-1, 1, 1))

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """uint8 ``[N, H, W, C]`` -> float32 logits and probabilities, ``[N, classes]`` each."""
        # Channels first while a pixel is one byte, and before numbers a channel are applied:
        # runtimes are fast where whole maps share a number.
        x = images.permute(0, 3, 1, 2).float() * self.scale + self.offset
        if self.mirror:  # one batch of both views: the weights stand in the graph once
            logits = self.network(torch.cat([x, x.flip(3)])).view(2, -1, self.classes).mean(0)
        else:
            logits = self.network(x)
        # Before the division, so that large logits keep their last digits.
        above = logits - logits.amax(1, keepdim=True)
        return logits, torch.softmax(above / self.temperature, dim=1)


def graph_of(bundle: Bundle) -> ModelProto:
    """Follow the bundle's network with torch's exporter.

    The graph's batch axis has any length from 1. Raises :class:`InputError` for a network that an
    ONNX file cannot hold, and :class:`FailedError` where torch cannot express it.
    """
    size = sum(value.nbytes for value in bundle.network.state_dict().values())
    if size > _MOST_BYTES:
        raise InputError(
            f"the weights take {size:,} bytes",
            where=bundle.source,
            expected=f"at most {_MOST_BYTES:,} in an ONNX file",
            todo="export it with --format bundle",
        )
    example = torch.zeros(_EXAMPLE, *bundle.input_shape, dtype=torch.uint8)
    try:
        with quiet():
            program = torch.onnx.export(
                _Deployed(bundle).eval(),
                (example,),
                dynamo=True,
                verbose=False,
                input_names=[INPUT],
                output_names=list(OUTPUTS),
                dynamic_shapes={"images": {0: torch.export.Dim("batch", min=1)}},
                opset_version=OPSET,
            )
            assert program is not None  # so says the documentation of dynamo=True
            return tidied(program.model_proto)
    except torch.onnx.OnnxExporterError as error:
        reason = str(error.__cause__ or error).strip().splitlines()[0]
        raise FailedError(
            f"torch cannot write it as ONNX: {reason}", where=bundle.source
        ) from error


def tidied(model: ModelProto) -> ModelProto:
    """Take out what tells of the machine that wrote it, and declare the versions that it needs.

    torch notes at every node where in which file its code stands.
    """
    import onnx

    model.ir_version = IR_VERSION
    graph = model.graph
    graph.name = "cnnlab"
    for entry in [graph, *graph.node, *graph.value_info, *graph.input, *graph.output]:
        del entry.metadata_props[:]
        entry.ClearField("doc_string")
    for tensor in graph.initializer:
        del tensor.metadata_props[:]
        tensor.ClearField("doc_string")
    del model.metadata_props[:]
    used = {node.domain for node in graph.node}
    kept = [entry for entry in model.opset_import if entry.domain in used]
    del model.opset_import[:]
    model.opset_import.extend(kept)
    onnx.checker.check_model(model, full_check=True)
    return model
