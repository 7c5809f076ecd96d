"""Names that a shell completes and that no file's name tells.

The registries that hold them take too long to import while somebody waits for Tab;
``tests/cli/test_completion.py`` holds these lists against them.
"""

from __future__ import annotations

__all__ = ["DATASETS", "DEVICES", "EXECUTORS", "LICENSES", "OPTIMIZERS", "SETTINGS", "TRACKERS"]

DATASETS = ("cifar10", "cifar10-jpeg", "cifar100", "digits", "fashion-mnist", "shapes")
DEVICES = ("auto", "cpu", "cuda", "mps")
EXECUTORS = ("in-process", "local", "ray")
OPTIMIZERS = ("adam", "adamax", "muon", "sgd")
TRACKERS = ("mlflow", "tensorboard")

#: The ones that are asked for most; any other may be typed.
LICENSES = ("apache-2.0", "bsd-3-clause", "cc-by-4.0", "cc0-1.0", "gpl-3.0", "mit")

#: What ``--set`` takes, all sections but the options that a named thing brings along.
SETTINGS = (
    "seed=",
    "device=",
    "precision=",
    "compile=",
    "threads=",
    "normalization=",
    "mirror=",
    "data.source=",
    "data.image_size=",
    "data.channels=",
    "data.train=",
    "data.validation=",
    "data.test=",
    "data.stratify=",
    "data.split_seed=",
    "model.name=",
    "model.params=",
    "model.without=",
    "init.run=",
    "init.freeze=",
    "init.head=",
    "optimizer.name=",
    "optimizer.lr=",
    "optimizer.weight_decay=",
    "schedule.name=",
    "training.mode=",
    "training.stage_size=",
    "training.stages=",
    "training.epochs=",
    "training.steps=",
    "training.batch_size=",
    "training.inner_validation=",
    "training.watch_every=",
    "training.early_stopping=",
    "training.early_stopping.patience=",
    "training.early_stopping.monitor=",
    "training.early_stopping.min_delta=",
    "training.keep_optimizer=",
    "training.weights=",
    "training.label_smoothing=",
    "training.class_weights=",
    "training.sampling=",
    "training.augment.flip=",
    "training.augment.translate=",
    "training.augment.cutout=",
    "training.progressive_resizing=",
    "training.ema=",
    "training.clip_norm=",
    "training.time_limit_seconds=",
    "training.checkpoint_every_seconds=",
)
