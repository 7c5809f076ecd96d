"""A trained network as a file for other programs, held against the network before it is kept.

The room is not called ``export``: Python would put it in the place of the function of that name.
"""

from __future__ import annotations

from cnnlab.exporting.certificate import Certificate, certificate_path
from cnnlab.exporting.export import FORMATS, Exported, export
from cnnlab.exporting.onnx_model import OnnxModel

__all__ = ["FORMATS", "Certificate", "Exported", "OnnxModel", "certificate_path", "export"]
