"""Images of any kind -> what a model says of them."""

from cnnlab.prediction.answers import ClassProbability, ImageError, ImagePrediction
from cnnlab.prediction.predict import as_bundle, predict
from cnnlab.prediction.predictions import FolderAccuracy, ImagePredictions

__all__ = [
    "ClassProbability",
    "FolderAccuracy",
    "ImageError",
    "ImagePrediction",
    "ImagePredictions",
    "as_bundle",
    "predict",
]
