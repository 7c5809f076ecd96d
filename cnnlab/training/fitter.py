"""A network with its optimizer: one step at a time, and all of it into a checkpoint and back."""

from __future__ import annotations

import math
from contextlib import nullcontext
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from cnnlab.device import seed_everything
from cnnlab.errors import DivergedError
from cnnlab.inference import place, predict_logits
from cnnlab.metrics.calibration import nll
from cnnlab.models.network import Network
from cnnlab.optim import forget_traces, make_optimizer, schedule_factor
from cnnlab.ranks import world
from cnnlab.training.batches import class_weights
from cnnlab.training.checkpoint import (
    Tensors,
    pack_optimizer,
    save_last,
    save_tensors,
    unpack_optimizer,
)
from cnnlab.training.compiling import CompiledNetwork
from cnnlab.training.ema import MovingAverage
from cnnlab.training.prepare import Prepared
from cnnlab.training.replica import Replica
from cnnlab.training.stages import Length
from cnnlab.training.state import TrainingState

__all__ = ["Fitter"]

#: Initialisation from data looks at so many training images.
_INITIAL_IMAGES = 5_000

#: How often an optimizer's state is freed of numbers that are next to nothing.
_STEPS_REMEMBERED = 32

#: Where nothing is measured, so many training images tell whether the network still answers.
_LOOKED_AT = 256


class Fitter:
    """A network, its optimizer and where they stand.

    Everything random in a step is a function of (seed, stage, epoch, step), and of the rank where
    several train together, so a checkpoint needs no generator's state.
    """

    def __init__(self, prepared: Prepared) -> None:
        self.prepared, self.config = prepared, prepared.config
        self.device = torch.device(self.config.device)
        self.state = TrainingState()
        seed_everything(self.config.seed, "weights")
        network = prepared.architecture.build()
        self._initialize(network)
        network.freeze(prepared.frozen)
        self.network = place(network, self.device)
        self.average = (
            MovingAverage(self.network, self.config.training.ema)
            if self.config.training.ema is not None
            else None
        )
        self.optimizer = self._new_optimizer()
        # Where nothing was decided the run is older than the choice, and began without.
        on = self.config.compile == "on"
        self._compiled = CompiledNetwork(self.network) if on else None
        ranks = world()
        self._drawn_by = () if ranks.leads else (ranks.rank,)
        self._replica = (
            Replica(self.network, ranks, prepared.architecture.classes) if ranks.size > 1 else None
        )

    def _initialize(self, network: Network) -> None:
        """Set what comes from training images (whitening, say), then what another run gives."""
        prepared = self.prepared
        if network.needs_images:
            rows = np.sort(prepared.split.train[:_INITIAL_IMAGES])
            images = torch.from_numpy(np.ascontiguousarray(prepared.dataset.images[rows]))
            network.initialize_from_images(prepared.preprocessing.apply(images))
        if prepared.transplant is not None:
            prepared.transplant.into(network)

    def _new_optimizer(self) -> torch.optim.Optimizer:
        chosen = self.config.optimizer
        return make_optimizer(
            chosen.name,
            list(self.network.named_parameters()),
            lr=chosen.lr,
            weight_decay=chosen.weight_decay,
            precision=self.config.precision,
            **chosen.options(),
        )

    def start_stage(self) -> None:
        """Forget the optimizer's state, unless the configuration keeps it between stages."""
        if not self.config.training.keep_optimizer:
            self.optimizer = self._new_optimizer()

    @property
    def evaluated(self) -> torch.nn.Module:
        """The network whose accuracy counts: the average where one is kept."""
        return self.network if self.average is None else self.average.network

    def loss_weights(self, rows: NDArray[np.int64]) -> torch.Tensor | None:
        """Class weights for the loss (float32 ``[C]``), where they are asked for."""
        dataset, asked = self.prepared.dataset, self.config.training.class_weights
        if asked == "none":
            return None
        weights = (
            class_weights(dataset.labels[rows], len(dataset.class_names))
            if asked == "balanced"
            else np.array([asked.get(name, 1.0) for name in dataset.class_names])
        )
        return torch.from_numpy(weights).float().to(self.device)

    def step(
        self,
        images: torch.Tensor,
        labels: torch.Tensor,
        *,
        length: Length,
        weights: torch.Tensor | None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Take one optimizer step; return the batch's mean loss and its number of right answers.

        Where several ranks train together, ``images`` are this rank's part of the batch (see
        :class:`~cnnlab.training.batches.Batches`), ``labels`` the whole batch's, and what is
        returned is this rank's: the mean over the ranks, and the sum, are the batch's.
        """
        place, training = self.state.position, self.config.training
        seed = (self.config.seed, "step", place.stage, place.epoch, place.step)
        seed_everything(*seed, *self._drawn_by)
        self.set_learning_rate(length)
        with self._compiled.watched(images.shape) if self._compiled else nullcontext():
            loss, right = self._differentiate(images, labels, weights)
        if training.clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), training.clip_norm)
        self.optimizer.step()
        place.step += 1
        place.total_steps += 1
        if place.total_steps % _STEPS_REMEMBERED == 0:
            forget_traces(self.optimizer)
        if self.average is not None:
            self.average.update(self.network, place.total_steps)
        return loss, right

    def _differentiate(
        self, images: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Give every parameter its gradient; return what :meth:`step` does."""
        # Before the forward pass, which may use their memory again (CUDA graphs do).
        self.optimizer.zero_grad(set_to_none=True)
        scale: torch.Tensor | float | None = None
        if self._replica is not None:
            labels, scale = self._replica.divide(labels, weights)
        bf16 = self.config.precision == "bf16"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=bf16):
            logits = (self._replica or self._compiled or self.network)(images)
        loss = functional.cross_entropy(
            logits.float(),
            labels,
            weight=weights,
            label_smoothing=self.config.training.label_smoothing,
            reduction="mean" if scale is None else "sum",
        )
        if self._replica is None or scale is None:
            loss.backward()  # type: ignore[no-untyped-call] # torch leaves it untyped
        else:
            loss = loss * scale
            self._replica.backward(loss)
        return loss.detach(), (logits.detach().argmax(1) == labels).sum()

    def set_learning_rate(self, length: Length) -> None:
        """Set every group's rate for the next step of a stage of this length."""
        place, schedule = self.state.position, self.config.schedule
        done = (place.epoch - 1) * length.batches + place.step
        factor = schedule_factor(schedule.name, done, length.steps, **schedule.options())
        for group in self.optimizer.param_groups:
            group["lr"] = group["initial_lr"] * factor

    def measure(self, rows: NDArray[np.int64]) -> tuple[float, float]:
        """Mean cross-entropy and top-1 accuracy over rows, in evaluation mode.

        In training's own precision: where bf16 is several times as fast, watching an epoch in
        fp32 would take as long as training it. What is reported of a run is evaluated anew.
        """
        dataset = self.prepared.dataset
        predict = predict_logits if self._replica is None else self._replica.predict_logits
        logits = predict(
            self.evaluated,
            dataset.images,
            self.prepared.preprocessing,
            rows=rows,
            precision=self.config.precision,
        )
        labels = dataset.labels[rows]
        if not np.isfinite(logits).all():
            raise self.diverged("a logit is no longer a number")
        return nll(logits, labels), float((logits.argmax(axis=1) == labels).mean())

    def check_answers(self, rows: NDArray[np.int64]) -> None:
        """Stop where logits are no longer numbers, by the first of these rows.

        The last step's loss is that of the weights before it: nothing else would tell.
        """
        self.measure(np.sort(rows[:_LOOKED_AT]))

    def check_finite(self, loss: float) -> None:
        """Stop where the loss is no longer a number."""
        if not math.isfinite(loss):
            raise self.diverged(f"the loss became {loss}")

    def diverged(self, what: str) -> DivergedError:
        """The error that says where training broke down."""
        place = self.state.position
        return DivergedError(
            what,
            where=f"stage {place.stage}, epoch {place.epoch}, step {place.step}",
            todo="lower --lr; the best finished epoch of this stage, if any, is kept",
        )

    def tensors(self) -> Tensors:
        """Weights, averages and optimizer state by name."""
        found = {f"model.{name}": value for name, value in self.network.state_dict().items()}
        if self.average is not None:
            kept = self.average.network.state_dict()
            found |= {f"average.{name}": value for name, value in kept.items()}
        return found

    def save_last(self) -> None:
        """Write a checkpoint from which training goes on exactly."""
        packed, header = pack_optimizer(self.optimizer)
        content = {
            "state": self.state.to_dict(),
            "optimizer": header,
            "config": self.config.to_dict(),
        }
        step = self.state.position.total_steps
        save_last(self.prepared.run, step, {**self.tensors(), **packed}, content)

    def save_best(self, facts: dict[str, Any]) -> None:
        """Write the weights that evaluation will use."""
        weights = self.evaluated.state_dict()
        tensors = {f"model.{name}": value for name, value in weights.items()}
        save_tensors(self.prepared.run.best_weights, tensors, facts)

    def restore(self, tensors: Tensors, header: dict[str, Any]) -> None:
        """Take the state that :meth:`save_last` wrote."""
        self.state = TrainingState.from_dict(header["state"])

        def part(prefix: str) -> Tensors:
            return {
                name.removeprefix(prefix): value
                for name, value in tensors.items()
                if name.startswith(prefix)
            }

        self.network.load_state_dict(part("model."))
        if self.average is not None:
            self.average.network.load_state_dict(part("average."))
        unpack_optimizer(self.optimizer, tensors, header["optimizer"])
