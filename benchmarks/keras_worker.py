"""Asks Keras what a job file says; Keras, its backend and NumPy are all that it needs.

::

    KERAS_BACKEND=tensorflow python benchmarks/keras_worker.py JOB.json

So it runs in an environment of its own, without cnnlab. The job names an ``.npz`` file of arrays
and the file that the answer, JSON, is written to. Five kinds of jobs: ``fit`` trains as the
report's author would, ``curve`` says how accurate such a training is after which time,
``lockstep`` takes given steps from given weights, ``draws`` shows what chance decides, ``speed``
times the steps of training.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from harness.records import Record
from harness.step_clock import StepClock
from harness.stopwatch import Stopwatch
from numpy.typing import NDArray
from versus_keras.training import (
    EVALUATION_BATCH,
    Arrays,
    check_restored,
    compile_anew,
    epochs_of,
    model_of,
    part,
    save_weights,
    scores_of,
    shuffled,
)

__all__ = ["SHOWN", "dropout_facts", "main"]

#: Images of ones that a dropout layer is shown.
SHOWN = 256
#: More than any measurement lasts.
_ENDLESS = 1_000_000


def fit(keras: ModuleType, job: Record, arrays: Arrays) -> Record:
    """Train stage after stage, and say what the chosen weights are worth on validation.

    Every stage goes on from the last weights of the one before with a fresh optimizer; after the
    last one Keras restores those of the epoch with the lowest inner loss.
    """
    keras.utils.set_random_seed(job["seed"])
    model = model_of(keras, job)
    curves: list[Record] = []
    for stage in range(1, job["stages"] + 1):
        compile_anew(keras, model, job)
        last = stage == job["stages"]
        stopping = keras.callbacks.EarlyStopping(
            monitor="val_loss", restore_best_weights=last, **job["early_stopping"]
        )
        inner = part(arrays, f"stage{stage}_inner")
        history = model.fit(
            shuffled(keras, *part(arrays, f"stage{stage}_train"), job, stage),
            epochs=job["epochs"],
            validation_data=inner,
            validation_batch_size=EVALUATION_BATCH,
            callbacks=[stopping],
            verbose=0,
        ).history
        curves += epochs_of(history, stage)
    best = stopping.best_epoch
    check_restored(model, inner, history["val_loss"][best])
    return {
        "curves": curves,
        "chosen_epoch": {"stage": job["stages"], "epoch": best + 1},
        "validation": scores_of(model, *part(arrays, "validation")),
        "parameters": model.count_params(),
    }


def curve(keras: ModuleType, job: Record, arrays: Arrays) -> Record:
    """Train, and after each epoch say how many seconds it took so far and how good it is on test.

    The clock runs from before the network is built, with the pixels in memory; evaluation is off
    it.
    """
    keras.utils.set_random_seed(job["seed"])
    test = part(arrays, "test")
    # An array of an .npz file is read each time that it is asked for.
    parts = {f"train_{name}": arrays[f"train_{name}"] for name in ("images", "labels")}
    watch, epochs = Stopwatch(), list[Record]()

    def note(epoch: int, logs: Record) -> None:
        seconds, train = watch.seconds, {"train_accuracy": float(logs["accuracy"])}
        with watch.paused():
            accuracy = scores_of(model, *test)["accuracy"]
        epochs.append({"epoch": epoch + 1, "seconds": seconds, "accuracy": accuracy, **train})

    model = model_of(keras, job)
    compile_anew(keras, model, job)
    model.fit(
        shuffled(keras, *part(parts, "train"), job, stage=1),
        epochs=job["epochs"],
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=note)],
        verbose=0,
    )
    return {
        "curve": epochs,
        "accuracy": epochs[-1]["accuracy"],
        "accuracy_tta": None,
        "parameters": model.count_params(),
        "trained_on": len(parts["train_labels"]),
        "n_test": len(test[1]),
    }


def lockstep(keras: ModuleType, job: Record, arrays: Arrays) -> Record:
    """Take the given batches in the given order from the given weights, in double precision.

    TensorFlow's backend has it throughout; on torch, Keras computes batch normalization and the
    loss in single precision all the same.
    """
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    # A plain 0.9 becomes a float32 before it is cast to the dtype of a variable.
    arguments = job["optimizer"]["arguments"]
    arguments |= {key: np.float64(value) for key, value in arguments.items()}
    model = model_of(keras, job)
    for layer in model.layers:
        for weight in layer.weights:
            weight.assign(arrays[f"initial/{layer.name}/{weight.name}"])
    losses: list[float] = []

    def note(_batch: int, logs: Record) -> None:
        losses.append(float(logs["loss"]))
        model.reset_metrics()  # or the next loss would be the mean since the epoch began

    watcher = keras.callbacks.LambdaCallback(on_train_batch_end=note)
    inner: list[Record] = []
    for stage in range(1, job["stages"] + 1):
        compile_anew(keras, model, job)
        for epoch in range(1, job["epochs"] + 1):
            model.fit(
                *part(arrays, f"stage{stage}_epoch{epoch}", np.float64),
                batch_size=job["batch_size"],
                shuffle=False,
                callbacks=[watcher],
                verbose=0,
            )
            inner.append(scores_of(model, *part(arrays, f"stage{stage}_inner", np.float64)))
    save_weights(model, job["weights"])
    return {"losses": losses, "inner": inner}


def draws(keras: ModuleType, job: Record, arrays: Arrays) -> Record:
    """Draw initial weights, and show each dropout layer maps of ones."""
    del arrays  # nothing is learnt
    keras.utils.set_random_seed(job["seed"])
    model = model_of(keras, job)
    save_weights(model, job["weights"])
    dropped = {
        layer.name: dropout_facts(
            keras.ops.convert_to_numpy(
                layer(keras.ops.ones((SHOWN, *layer.input.shape[1:])), training=True)
            )
        )
        for layer in model.layers
        if "Dropout" in type(layer).__name__
    }
    return {"dropout": dropped}


def speed(keras: ModuleType, job: Record, arrays: Arrays) -> Record:
    """Train with ``model.fit`` on arrays in memory for as long as ``job["clock"]`` says."""
    keras.utils.set_random_seed(job["seed"])
    model = model_of(keras, job)
    compile_anew(keras, model, job)
    clock = StepClock(job["batch_size"], **job["clock"])

    def step_ended(*_: object, **__: object) -> None:
        model.stop_training = clock.step_ended()

    watcher = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda *_, **__: clock.pause(), on_train_batch_end=step_ended
    )
    model.fit(
        *part(arrays, "stage1_train"),
        batch_size=job["batch_size"],
        epochs=_ENDLESS,
        callbacks=[watcher],
        verbose=0,
    )
    precision = keras.config.dtype_policy().compute_dtype
    return {**clock.result(), "parameters": model.count_params(), "precision": precision}


def dropout_facts(output: NDArray[Any]) -> Record:
    """What dropout made of ones ``[N, H, W, C]`` or ``[N, C]``: the share kept, and as what.

    ``units`` counts what was kept or dropped independently: channels where whole channels were.
    """
    maps = output.reshape(len(output), -1, output.shape[-1])
    channels = maps.shape[1] > 1 and bool((maps == maps[:, :1]).all())
    kept = maps != 0
    return {
        "kept": float(kept.mean()),
        "scale": float(maps[kept].mean()),
        "one_scale": bool(np.ptp(maps[kept]) < 1e-6),
        "whole_channels": channels,
        "units": int(kept[:, 0].size if channels else kept.size),
    }


KINDS: dict[str, Callable[[ModuleType, Record, Arrays], Record]] = {
    "fit": fit,
    "curve": curve,
    "lockstep": lockstep,
    "draws": draws,
    "speed": speed,
}


def _set_threads(backend: str, threads: int) -> str:
    """Limit the backend to so many threads; return its version."""
    library = import_module(backend)
    if backend == "torch":
        library.set_num_threads(threads)
    else:
        library.config.threading.set_intra_op_parallelism_threads(threads)
        library.config.threading.set_inter_op_parallelism_threads(threads)
    return str(library.__version__)


def main(path: Path) -> None:
    """Do the job in the file ``path`` and write the answer where it says."""
    job = json.loads(path.read_text(encoding="utf-8"))
    backend = os.environ["KERAS_BACKEND"]
    version = _set_threads(backend, job["threads"])
    keras = import_module("keras")
    started = time.perf_counter()
    with np.load(job["arrays"], allow_pickle=False) as arrays:
        answer = KINDS[job["kind"]](keras, job, arrays)
    answer["seconds"] = round(time.perf_counter() - started, 2)
    answer["cpu_seconds"] = round(time.process_time(), 2)
    answer["versions"] = {"keras": keras.__version__, backend: version}
    target = Path(job["answer"])
    half = target.with_suffix(".half")
    half.write_text(json.dumps(answer), encoding="utf-8")
    half.replace(target)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
