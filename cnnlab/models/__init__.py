"""Networks: Keras's layer vocabulary on torch, the zoo, and networks written in Python."""

from __future__ import annotations

from cnnlab.models.architecture import Architecture
from cnnlab.models.builders import BUILDERS
from cnnlab.models.catalogue import MODELS, load_architecture, load_model_file
from cnnlab.models.layers import LAYERS
from cnnlab.models.model_file import ModelFile
from cnnlab.models.provenance import Origin, provenance_of, report_figures
from cnnlab.models.summary import Summary, SummaryRow

__all__ = [
    "BUILDERS",
    "LAYERS",
    "MODELS",
    "Architecture",
    "ModelFile",
    "Origin",
    "Summary",
    "SummaryRow",
    "load_architecture",
    "load_model_file",
    "provenance_of",
    "report_figures",
]
