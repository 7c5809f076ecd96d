"""What TensorBoard's own reader finds in a folder of logs."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto.types_pb2 import DT_FLOAT
from tensorboard.plugins.hparams import metadata
from tensorboard.util.tensor_util import make_ndarray


@dataclass
class Shown:
    """``curves`` {(tag, step): value}; ``steps`` lists each curve's, so that doubles are seen."""

    curves: dict
    steps: dict
    texts: dict
    images: dict
    hparams: dict
    metrics: list
    ended: list


def single(values):
    """The values as single precision has them."""
    return {at: float(np.float32(value)) for at, value in values.items()}


def read(folder):
    """Read every event of a folder."""
    found = EventAccumulator(str(folder), size_guidance={"tensors": 0, "images": 0}).Reload()
    shown = Shown({}, defaultdict(list), {}, {}, {}, [], [])
    for tag in found.Tags()["tensors"]:
        for event in found.Tensors(tag):
            value = make_ndarray(event.tensor_proto)
            if tag.endswith("/text_summary"):
                shown.texts[tag.removesuffix("/text_summary")] = value[0].decode()
            else:
                # TensorBoard's own fast server leaves out curves in double precision.
                assert event.tensor_proto.dtype == DT_FLOAT
                shown.curves[tag, event.step] = value.item()
                shown.steps[tag].append(event.step)
    for tag in found.Tags()["images"]:
        [event] = found.Images(tag)
        shown.images[tag] = event.encoded_image_string
    contents = found.PluginTagToContent("hparams")
    start = metadata.parse_session_start_info_plugin_data(contents[metadata.SESSION_START_INFO_TAG])
    for key, value in start.hparams.items():
        shown.hparams[key] = getattr(value, value.WhichOneof("kind"))
    experiment = metadata.parse_experiment_plugin_data(contents[metadata.EXPERIMENT_TAG])
    shown.metrics = [info.name.tag for info in experiment.metric_infos]
    if metadata.SESSION_END_INFO_TAG in contents:
        end = metadata.parse_session_end_info_plugin_data(contents[metadata.SESSION_END_INFO_TAG])
        shown.ended.append(end.status)
    return shown
