"""TensorBoard's messages, each as the bytes of one record of an event file.

The same arguments give the same bytes: times are arguments, maps are written in order.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping
from typing import Any

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import (
    DATA_CLASS_SCALAR,
    DATA_CLASS_TENSOR,
    Summary,
    SummaryMetadata,
)
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
from tensorboard.compat.proto.types_pb2 import DT_FLOAT, DT_STRING
from tensorboard.plugins.hparams.api_pb2 import (
    DATA_TYPE_BOOL,
    DATA_TYPE_FLOAT64,
    DATA_TYPE_STRING,
    STATUS_FAILURE,
    STATUS_SUCCESS,
    Experiment,
    HParamInfo,
    MetricInfo,
    MetricName,
)
from tensorboard.plugins.hparams.metadata import (
    EXPERIMENT_TAG,
    PLUGIN_DATA_VERSION,
    PLUGIN_NAME,
    SESSION_END_INFO_TAG,
    SESSION_START_INFO_TAG,
)
from tensorboard.plugins.hparams.plugin_data_pb2 import (
    HParamsPluginData,
    SessionEndInfo,
    SessionStartInfo,
)
from tensorboard.summary.writer.record_writer import RecordWriter

from cnnlab.tracking.subject import Point

__all__ = ["file_version", "hyperparameters", "picture", "scalars", "session_end", "text"]

#: What the table of hyperparameters shows beside them, where it was measured.
_SHOWN = ("final/validation/top1", "final/test/top1", "final/train_seconds")

#: PNG's channels as TensorBoard counts them: red, green, blue and alpha.
_RGBA = 4


def file_version(time_seconds: float) -> bytes:
    """What every event file begins with."""
    return _record(Event(wall_time=time_seconds, file_version="brain.Event:2"))


def scalars(point: Point) -> bytes:
    """The values of curves at one step, in single precision: the server shows no other."""
    metadata = SummaryMetadata(
        plugin_data=SummaryMetadata.PluginData(plugin_name="scalars"), data_class=DATA_CLASS_SCALAR
    )
    values = [
        Summary.Value(
            tag=name, metadata=metadata, tensor=TensorProto(dtype=DT_FLOAT, float_val=[value])
        )
        for name, value in point.values.items()
    ]
    return _summary(values, point.step, point.time_seconds)


def text(name: str, markdown: str, time_seconds: float) -> bytes:
    """A text, which TensorBoard shows as Markdown."""
    value = Summary.Value(
        tag=f"{name}/text_summary",
        metadata=SummaryMetadata(
            plugin_data=SummaryMetadata.PluginData(plugin_name="text"),
            data_class=DATA_CLASS_TENSOR,
        ),
        tensor=TensorProto(
            dtype=DT_STRING,
            string_val=[markdown.encode("utf-8", "backslashreplace")],
            tensor_shape=TensorShapeProto(dim=[TensorShapeProto.Dim(size=1)]),
        ),
    )
    return _summary([value], 0, time_seconds)


def picture(name: str, png: bytes, step: int, time_seconds: float) -> bytes:
    """A PNG file."""
    width, height = struct.unpack(">II", png[16:24])  # the first chunk's, as PNG has them
    image = Summary.Image(width=width, height=height, colorspace=_RGBA, encoded_image_string=png)
    return _summary([Summary.Value(tag=name, image=image)], step, time_seconds)


def hyperparameters(params: Mapping[str, str], name: str, time_seconds: float) -> bytes:
    """The settings as TensorBoard's table of hyperparameters takes them."""
    start = SessionStartInfo(group_name=name, start_time_secs=time_seconds)
    infos: list[Any] = []
    for key, said in params.items():
        kind, value = _typed(said)
        setattr(start.hparams[key], *value)
        infos.append(HParamInfo(name=key, type=kind))
    shown = [MetricInfo(name=MetricName(tag=tag)) for tag in _SHOWN]
    experiment = Experiment(hparam_infos=infos, metric_infos=shown, time_created_secs=time_seconds)
    return _hparams(EXPERIMENT_TAG, time_seconds, experiment=experiment) + _hparams(
        SESSION_START_INFO_TAG, time_seconds, session_start_info=start
    )


def session_end(succeeded: bool, time_seconds: float) -> bytes:
    """Say in the table of hyperparameters that the run has ended, and how."""
    status = STATUS_SUCCESS if succeeded else STATUS_FAILURE
    end = SessionEndInfo(status=status, end_time_secs=time_seconds)
    return _hparams(SESSION_END_INFO_TAG, time_seconds, session_end_info=end)


def _typed(said: str) -> tuple[Any, tuple[str, Any]]:
    """A setting's kind, and the field that takes it with its value."""
    if said in ("true", "false"):
        return DATA_TYPE_BOOL, ("bool_value", said == "true")
    try:
        return DATA_TYPE_FLOAT64, ("number_value", float(said))
    except ValueError:
        text = said.encode("utf-8", "backslashreplace").decode()
        return DATA_TYPE_STRING, ("string_value", text)


def _hparams(tag: str, time_seconds: float, **content: Any) -> bytes:
    data = HParamsPluginData(version=PLUGIN_DATA_VERSION, **content)
    packed = data.SerializeToString(deterministic=True)
    metadata = SummaryMetadata(
        plugin_data=SummaryMetadata.PluginData(plugin_name=PLUGIN_NAME, content=packed)
    )
    return _summary([Summary.Value(tag=tag, metadata=metadata)], 0, time_seconds)


def _summary(values: list[Any], step: int, time_seconds: float) -> bytes:
    return _record(Event(wall_time=time_seconds, step=step, summary=Summary(value=values)))


def _record(event: Any) -> bytes:
    buffer = io.BytesIO()
    RecordWriter(buffer).write(event.SerializeToString(deterministic=True))
    return buffer.getvalue()
