"""Why a model says what it says: Grad-CAM, Layer-CAM, occlusion, the nearest training images."""

from cnnlab.explanation.explain import METHODS, Explainer, Question, explain
from cnnlab.explanation.explanation import Explanation, HeatMap
from cnnlab.explanation.grad_cam import grad_cam
from cnnlab.explanation.layer_cam import layer_cam
from cnnlab.explanation.layers import feature_layer, fine_map_layer, map_layer
from cnnlab.explanation.nearest import Neighbour, Neighbours, TrainingImages
from cnnlab.explanation.occlusion import occlusion
from cnnlab.explanation.region import Box, important_region

__all__ = [
    "METHODS",
    "Box",
    "Explainer",
    "Explanation",
    "HeatMap",
    "Neighbour",
    "Neighbours",
    "Question",
    "TrainingImages",
    "explain",
    "feature_layer",
    "fine_map_layer",
    "grad_cam",
    "important_region",
    "layer_cam",
    "map_layer",
    "occlusion",
]
