"""A classifier with scikit-learn's manners: ``fit``, ``predict``, ``predict_proba`` on 2-D X."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from cnnlab.bundle import open_bundle
from cnnlab.config import RunConfig
from cnnlab.errors import InputError, Interrupted
from cnnlab.interop.array_training import LabelledImages, array_config, train_on_arrays
from cnnlab.interop.pixels import checked_range, fit_each, image_shape_for, range_of, to_pixels

__all__ = ["EXPECTED_FAILED_CHECKS", "CNNClassifier"]

#: Parameter -> the setting that it gives.
_SETTINGS = {
    "epochs": "training.epochs",
    "batch_size": "training.batch_size",
    "lr": "optimizer.lr",
    "optimizer": "optimizer.name",
    "validation_fraction": "data.validation",
    "class_weight": "training.class_weights",
    "device": "device",
}
#: All of X is trained on, whatever the model's own file says of chunks and held-out images.
_WHOLE = {"mode": "full", "inner_validation": 0.0, "early_stopping": None}
_LAST = {"weights": "last", "watch_every": 100_000}

#: scikit-learn's estimator checks that fail, each with the reason; docs/sklearn.md shows them.
EXPECTED_FAILED_CHECKS = {
    "check_methods_subset_invariance": "it asks that an image gets the same numbers to seven "
    "digits alone and among others; the network computes in single precision, whose sums torch "
    "arranges by the number of images, so the last digits of a logit differ",
}

#: What this field of a pickle holds is a bundle's file.
_PACKED = "bundle_"


class CNNClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn is untyped
    """A convolutional network as a scikit-learn classifier.

    It trains as ``cnnlab train`` does, on all images that :meth:`fit` is given; what judges it is
    scikit-learn's: ``cross_val_score``, ``GridSearchCV``.

    Parameters
    ----------
    image_shape: (height, width) or (height, width, channels) of the images that the rows of X are,
        each in the order of rows, columns, channels. None: square and grey, or square and in
        colour, where the number of features allows, else one row of grey pixels.
    model: a model's name (``cnnlab models``), or the path of a model's YAML file.
    epochs, batch_size, lr, optimizer: as the options of ``cnnlab train``; None: the model's own.
    value_range: the values of black and white in X. Values outside are an error. None: the least
        and greatest value of the X of :meth:`fit`; later values outside are set to the nearer end.
        Images have 256 levels inside: finer differences are rounded away.
    class_weight: None, "balanced", or a weight by class.
    validation_fraction: the share of X, drawn by class, that is held out to choose the epoch
        whose weights are used. 0: everything is trained on, and the last weights are used.
    settings: any other settings of a run as nested mappings, such as
        ``{"training": {"augment": {"flip": "random"}}}``; the parameters above win.
    device: auto, cpu, cuda or mps.
    random_state: None, a whole number or a ``numpy.random.RandomState``. The same number, the
        same data and the same machine give the same weights.
    runs: the folder in which each fit leaves its run directory (and, in ``arrays/``, its images),
        for ``cnnlab report`` and all other verbs. None: a temporary one.

    Attributes
    ----------
    classes_: the classes, sorted.
    n_features_in_: the number of features of X.
    image_shape_, value_range_: what was taken.
    n_iter_: the epochs that were trained.
    history_: a record an epoch, as in ``metrics.jsonl``.
    bundle_: the network (:class:`cnnlab.bundle.Bundle`); ``bundle_.save(path)`` writes the file
        that ``cnnlab predict``, ``export`` and ``serve`` take.
    run_: the run directory; None where it was temporary.
    """

    def __init__(
        self,
        image_shape: tuple[int, ...] | None = None,
        model: str = "fastnet",
        *,
        epochs: int | None = None,
        batch_size: int | None = None,
        lr: float | None = None,
        optimizer: str | None = None,
        value_range: tuple[float, float] | None = (0, 255),
        class_weight: str | Mapping[Any, float] | None = None,
        validation_fraction: float = 0.0,
        settings: Mapping[str, Any] | None = None,
        device: str = "auto",
        random_state: Any = None,
        runs: str | Path | None = None,
    ) -> None:
        self.image_shape = image_shape
        self.model = model
        self.epochs = epochs
        self.batch_size = batch_size
        self.lr = lr
        self.optimizer = optimizer
        self.value_range = value_range
        self.class_weight = class_weight
        self.validation_fraction = validation_fraction
        self.settings = settings
        self.device = device
        self.random_state = random_state
        self.runs = runs

    def fit(self, X: Any, y: Any) -> Self:
        """Train on X, numbers ``[N, H*W*C]`` or ``[N, H, W, C]``, with the classes y, ``[N]``.

        Raises ``ValueError`` for what cannot be used, and the errors of ``cnnlab train`` for a
        training that fails.
        """
        rows, y = validate_data(self, _as_rows(X), y)
        check_classification_targets(y)
        classes, labels = np.unique(y, return_inverse=True)
        if len(classes) < 2:
            raise ValueError(f"y has one class only, {classes[0]!r}; expected two or more classes")
        given = None if _ndim(X) < 3 else tuple(X.shape[1:])
        shape = image_shape_for(self.image_shape or given, rows.shape[1])
        _check_axes(X, shape)
        asked = checked_range(self.value_range)
        span = asked or range_of(rows)
        names = tuple(str(name) for name in classes)
        pixels = to_pixels(rows, shape, span, clip=False)
        data = LabelledImages(pixels, labels.astype(np.int64), names)
        with _value_errors():
            runs = None if self.runs is None else Path(self.runs)
            trained = train_on_arrays(data, self._config(classes), runs, self.device)
        self.classes_, self.image_shape_, self.value_range_ = classes, shape, span
        self.bundle_, self.history_, self.run_ = trained.bundle, trained.history, trained.run
        self.n_iter_ = len(self.history_)
        return self

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """The network's logits, ``[N, classes]``; of two classes the second's minus the first's."""
        logits = self._logits(X).astype(np.float64)
        margin: NDArray[np.float64] = logits[:, 1] - logits[:, 0]
        return margin if len(self.classes_) == 2 else logits

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """The probability of each class, ``[N, classes]``, in the order of ``classes_``."""
        logits = self._logits(X)
        found: NDArray[np.float64] = self.bundle_.probabilities(logits)
        return found

    def predict(self, X: Any) -> NDArray[Any]:
        """The likeliest class of each image, ``[N]``."""
        logits = self._logits(X)
        found: NDArray[Any] = self.classes_[logits.argmax(axis=1)]
        return found

    def _logits(self, X: Any) -> NDArray[np.float32]:
        check_is_fitted(self)
        rows = validate_data(self, _as_rows(X), reset=False)
        _check_axes(X, self.image_shape_)
        clip = self.value_range is None
        pixels = to_pixels(rows, self.image_shape_, self.value_range_, clip=clip)
        found: NDArray[np.float32] = self.bundle_.logits(fit_each(pixels, self.bundle_.input_shape))
        return found

    def _config(self, classes: NDArray[Any]) -> RunConfig:
        """The configuration of the training, but for its images."""
        given = {name: getattr(self, name) for name in _SETTINGS}
        given["class_weight"] = _class_weights(self.class_weight, classes)
        # Where nothing is held out, nothing tells epochs apart: the last one counts.
        given["validation_fraction"] = self.validation_fraction or 0
        choice = {"weights": "best"} if self.validation_fraction else _LAST
        own: dict[str, Any] = {
            "seed": self._seed(),
            "data": {"test": 0},
            "model": {"name": self.model},
        }
        for name, value in given.items():
            if value is not None:
                section, _, key = _SETTINGS[name].rpartition(".")
                # A search over parameters hands on NumPy's numbers.
                plain = value.item() if isinstance(value, np.generic) else value
                (own.setdefault(section, {}) if section else own)[key] = plain
        layers = [{"training": {**_WHOLE, **choice}}, self.settings or {}, own]
        labels = {setting: name for name, setting in _SETTINGS.items()}
        return array_config(self.model, layers, labels=labels)

    def _seed(self) -> int:
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = dict(super().__getstate__())
        if _PACKED in state:
            with TemporaryDirectory(prefix="cnnlab-") as folder:
                path = Path(folder, "bundle.safetensors")
                state[_PACKED].save(path)
                state[_PACKED] = path.read_bytes()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        if _PACKED in state:
            with TemporaryDirectory(prefix="cnnlab-") as folder:
                path = Path(folder, "bundle.safetensors")
                path.write_bytes(state[_PACKED])
                # It may have been trained where there was a GPU.
                device = "cpu" if state["device"] == "cpu" else "auto"
                state[_PACKED] = open_bundle(path, device=device)
        super().__setstate__(state)


def _ndim(X: Any) -> int:
    """Axes of an array; 2 for everything else, which scikit-learn is left to judge."""
    return int(getattr(X, "ndim", 2))


def _as_rows(X: Any) -> Any:
    """Images ``[N, H, W]`` or ``[N, H, W, C]`` as rows; everything else as it is."""
    return X.reshape(len(X), int(np.prod(X.shape[1:]))) if _ndim(X) in (3, 4) else X


def _check_axes(X: Any, shape: tuple[int, int, int]) -> None:
    """Images that come as images have the shape that they are taken as."""
    if _ndim(X) > 2 and (*X.shape[1:], 1)[:3] != shape:
        raise ValueError(f"X has images of {tuple(X.shape[1:])}; expected {shape}")


def _class_weights(asked: Any, classes: NDArray[Any]) -> str | dict[str, float]:
    """scikit-learn's ``class_weight`` as the setting has it."""
    if asked is None or asked == "balanced":
        return asked or "none"
    if not isinstance(asked, Mapping):
        raise ValueError(f"class_weight is {asked!r}; expected None, 'balanced' or a dict")
    weights = {}
    for name, weight in asked.items():
        # By equality, as scikit-learn does: 1 is the class 1.0, and True.
        same = [known for known in classes if known == name]
        if not same:
            raise ValueError(f"class_weight has {name!r}, which is no class of y")
        weights[str(same[0])] = float(weight)
    return weights


@contextmanager
def _value_errors() -> Iterator[None]:
    """What scikit-learn's callers expect: ``ValueError`` for what cannot be used, and Ctrl-C."""
    try:
        yield
    except InputError as error:
        raise ValueError(str(error)) from error
    except Interrupted:
        raise KeyboardInterrupt from None
