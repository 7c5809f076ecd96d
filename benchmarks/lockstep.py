"""From the same weights, batch after batch the same: do cnnlab and Keras take the same steps?

Everything that chance decides is taken away (dropout rates are 0, initial weights and order are
cnnlab's), so what is left must agree up to rounding: layers, moving statistics, loss, gradients,
optimizer, the stages with their fresh optimizers, evaluation. In single precision rounding grows
to the size of a step within a few steps, for Adam divides small gradients by their own size. So
both sides compute in double precision: Keras as it is, cnnlab's parts in the loop below, which in
single precision must give what ``cnnlab.train`` gives. One line of OUT/lockstep.jsonl a model::

    python benchmarks/lockstep.py --models e,f --train 2000 --keras-python PYTHON \\
        --backend tensorflow --out OUT

Adam gets β₁ = β₂ = 1/2: cnnlab takes their powers in single precision, as Keras does in training,
and up to 24 steps a stage those of 1/2 are exact.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from harness.command import run_command
from harness.records import LOCKSTEP, Record
from numpy.typing import NDArray
from torch.nn.functional import cross_entropy
from versus_keras.jobs import Material, Setting, keras_job, prepare
from versus_keras.options import options, settings_of
from versus_keras.peer import KerasPeer, peer_of

import cnnlab
from cnnlab.device import seed_everything, set_up_torch
from cnnlab.files import append_line, atomic_path, write_text
from cnnlab.inference import Preprocessing, measure_preprocessing, place
from cnnlab.models import load_model_file
from cnnlab.optim import make_optimizer
from cnnlab.settings import dump_yaml
from cnnlab.training.batches import Batches
from cnnlab.training.events import BatchDone, EpochDone, Event

__all__ = ["Weights", "compare_steps", "keras_weights", "main"]

Weights = dict[str, NDArray[np.floating[Any]]]

_CPU = torch.device("cpu")
_EXACT_BETAS = {"beta_1": 0.5, "beta_2": 0.5}


def keras_weights(network: torch.nn.Module) -> Weights:
    """A network's weights as ``layer/weight`` in Keras's names and layout.

    Of convolutions ``[out, in, H, W]`` becomes ``[H, W, in, out]``, of dense layers ``[out, in]``
    becomes ``[in, out]``; those of batch normalization are called as Keras's are.
    """
    found = {}
    for name, tensor in network.state_dict().items():
        layer, _, kind = name.rpartition(".")
        value = tensor.numpy()
        if kind == "weight":
            kind, value = "kernel", value.transpose((2, 3, 1, 0) if value.ndim == 4 else (1, 0))
        found[f"{layer}/{kind}"] = value.copy()
    return found


@dataclass(frozen=True, eq=False)
class Visits:
    """The images of every stage in the order in which cnnlab visits them.

    Attributes
    ----------
    epochs: by stage and epoch, batches of pixels uint8 ``[B, H, W, C]`` and labels ``[B]``.
    inner: by stage, its inner validation.
    """

    epochs: dict[tuple[int, int], list[tuple[torch.Tensor, torch.Tensor]]]
    inner: dict[int, tuple[torch.Tensor, torch.Tensor]]

    @classmethod
    def of(cls, material: Material, preprocessing: Preprocessing) -> Visits:
        """Ask training's own batches."""
        config, dataset = material.config, material.dataset
        epochs, inner = {}, {}
        for number, stage in enumerate(material.stages, start=1):
            rows = stage.inner
            inner[number] = (
                torch.from_numpy(dataset.images[rows]),
                torch.from_numpy(dataset.labels[rows]),
            )
            batches = Batches(
                dataset,
                stage.train,
                config.training,
                preprocessing,
                seed=config.seed,
                device=_CPU,
            )
            for epoch in range(1, config.training.epochs + 1):
                epochs[number, epoch] = [
                    ((images.permute(0, 2, 3, 1) * 255).round().to(torch.uint8), labels)
                    for images, labels in batches.epoch(number, epoch)
                ]
        return cls(epochs, inner)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """For the job for Keras."""
        parts = {f"stage{number}_inner": part for number, part in self.inner.items()}
        for (stage, epoch), batches in self.epochs.items():
            images, labels = zip(*batches, strict=True)
            parts[f"stage{stage}_epoch{epoch}"] = (torch.cat(images), torch.cat(labels))
        return {
            f"{name}_{what}": tensor.numpy()
            for name, part in parts.items()
            for what, tensor in zip(("images", "labels"), part, strict=True)
        }


class OwnLoop:
    """The training loop without all that makes it safe, in any precision."""

    def __init__(
        self, material: Material, preprocessing: Preprocessing, dtype: torch.dtype
    ) -> None:
        self.material, self.preprocessing, self.dtype = material, preprocessing, dtype
        seed_everything(material.config.seed, "weights")
        self.network = place(material.architecture.build().to(dtype), _CPU)
        self.losses: list[float] = []
        self.inner: list[Record] = []

    def run(self, visits: Visits) -> None:
        """Take every step; a stage begins with a fresh optimizer."""
        chosen = self.material.config.optimizer
        for (stage, epoch), batches in visits.epochs.items():
            if epoch == 1:
                optimizer = make_optimizer(
                    chosen.name,
                    list(self.network.named_parameters()),
                    lr=chosen.lr,
                    weight_decay=chosen.weight_decay,
                    **chosen.options(),
                )
            for pixels, labels in batches:
                loss = cross_entropy(self.network.train()(self._input(pixels)), labels)
                optimizer.zero_grad(set_to_none=True)
                loss.backward()  # type: ignore[no-untyped-call] # torch leaves it untyped
                optimizer.step()
                self.losses.append(loss.item())
            self.inner.append(self._scores(*visits.inner[stage]))

    def _input(self, pixels: torch.Tensor) -> torch.Tensor:
        if self.dtype == torch.float32:
            return self.preprocessing.apply(pixels)
        return pixels.permute(0, 3, 1, 2).to(self.dtype) / 255

    def _scores(self, pixels: torch.Tensor, labels: torch.Tensor) -> Record:
        with torch.inference_mode():
            logits = self.network.eval()(self._input(pixels))
        return {
            "loss": cross_entropy(logits, labels).item(),
            "accuracy": (logits.argmax(1) == labels).double().mean().item(),
        }


@dataclass
class StepLosses:
    """Watches a training: the loss of each batch, from the means over the epoch so far."""

    batch_size: int
    images: int
    losses: list[float] = field(default_factory=list)
    _sum: float = 0.0

    def __call__(self, event: Event) -> None:
        if isinstance(event, BatchDone):
            before = (event.step - 1) * self.batch_size
            seen = min(before + self.batch_size, self.images)
            self.losses.append((event.loss * seen - self._sum) / (seen - before))
            self._sum = event.loss * seen
        if isinstance(event, EpochDone):
            self._sum = 0.0


def compare_steps(setting: Setting, peer: KerasPeer, folder: Path, seed: int = 0) -> Record:
    """Train on both sides from the same weights with the same batches.

    Returns the losses of every step, in double precision; how far the loop's losses in single
    precision are from those of ``cnnlab.train``; the inner validation after every epoch; and by
    which share of the way that training moved the weights the two sides end apart.
    """
    set_up_torch(peer.threads)  # as train does: another number adds up in another order
    still = replace(setting, model=str(_still(setting.model, folder / "models")))
    settings = still.settings(seed=seed, threads=peer.threads, early_stopping=None, weights="last")
    material = prepare(settings)
    config, split = material.config, material.split
    preprocessing = measure_preprocessing(
        material.dataset.images, split.train, config.normalization
    )
    visits = Visits.of(material, preprocessing)
    double = OwnLoop(material, preprocessing, torch.float64)
    initial = keras_weights(double.network)
    double.run(visits)
    arrays = {f"initial/{key}": value for key, value in initial.items()} | visits.arrays()
    theirs, their_weights = _ask_keras(material, arrays, peer, folder, setting.label)
    single = OwnLoop(material, preprocessing, torch.float32)
    single.run(visits)
    engine = StepLosses(config.training.batch_size, len(material.stages[0].train))
    cnnlab.train(config, folder / "runs", engine)
    return {
        "model": setting.name,
        "train": setting.train,
        "epochs": setting.epochs,
        "stages": len(material.stages),
        "batch_size": config.training.batch_size,
        "backend": peer.backend,
        "engine_apart": float(np.abs(np.subtract(engine.losses, single.losses)).max()),
        "weights_apart": _apart(keras_weights(double.network), their_weights, initial),
        "cnnlab": {"losses": double.losses, "inner": double.inner},
        "keras": {key: theirs[key] for key in ("losses", "inner")},
        "versions": theirs["versions"] | {"cnnlab's torch": torch.__version__},
    }


def _still(model: str, folder: Path) -> Path:
    """Write the model's file anew, dropout rates 0 and Adam's β exact; return its path."""
    file = load_model_file(model)
    adam = file.optimizer["name"] == "adam"
    layers = [{**item, "rate": 0.0} if "rate" in item else item for item in file.layers]
    content = {
        "name": file.name,
        "layers": layers,
        "training": file.training,
        "optimizer": file.optimizer | (_EXACT_BETAS if adam else {}),
        "normalization": file.normalization,
    }
    path = folder / f"{file.name}.yaml"
    write_text(path, dump_yaml(content))
    return path


def _ask_keras(
    material: Material, arrays: dict[str, NDArray[Any]], peer: KerasPeer, folder: Path, label: str
) -> tuple[Record, Weights]:
    """Keras's answer and the weights that it ended with."""
    name = f"lockstep-{peer.backend}-{label}"
    given, weights = (folder.absolute() / f"{name}{end}" for end in (".npz", "-weights.npz"))
    with atomic_path(given) as half, half.open("wb") as stream:
        np.savez(stream, **arrays)  # type: ignore[arg-type] # numpy's own options are named too
    job = keras_job(material, "lockstep", material.config.seed)
    files = {"arrays": str(given), "weights": str(weights)}
    answer = peer.start({**job, **files}, folder, name).result()
    with np.load(weights, allow_pickle=False) as saved:
        return answer, dict(saved)


def _apart(ours: Weights, theirs: Weights, initial: Weights) -> float:
    """How far two networks ended from each other, as a share of how far training took one."""

    def distance(a: Weights, b: Weights) -> float:
        return float(np.sqrt(sum(np.square(a[key] - b[key]).sum() for key in initial)))

    return distance(ours, theirs) / distance(ours, initial)


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare the models asked for; returns the exit code."""
    asked = options(__doc__, models="a,b,c,d,e,f", train=2000, epochs=1).parse_args(arguments)

    def compare() -> None:
        for setting in settings_of(asked):
            record = compare_steps(setting, peer_of(asked), asked.out / "work")
            append_line(asked.out / LOCKSTEP, json.dumps(record))
            gap = np.abs(np.subtract(record["cnnlab"]["losses"], record["keras"]["losses"]))
            print(
                f"{record['model']}: in {len(gap)} steps losses differ by {gap.max():.1e} at most, "
                f"the weights end {record['weights_apart']:.1e} of the way apart; "
                f"cnnlab.train is {record['engine_apart']:.1e} from the loop",
                flush=True,
            )

    return run_command("lockstep", compare)


if __name__ == "__main__":
    sys.exit(main())
