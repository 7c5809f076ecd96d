"""A script with the places that the benchmark looks for in cifar10-airbench's, and a clock."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

__all__ = ["SCRIPT", "Clock", "stripes", "write_script"]

#: It learns which row is bright. Its sleeps are what the tests' clock counts.
SCRIPT = '''"""A stand-in with a backslash: \\d."""
import os
import sys
import time
from math import ceil

import torch
import torchvision.transforms as transforms

with open(sys.argv[0]) as file:
    own_text = file.read()


@torch.compile
def zeropower_via_newtonschulz5(matrix):
    return matrix.bfloat16()


class CifarLoader:
    def __init__(self, path, train=True, batch_size=10):
        time.sleep(10)
        file = os.path.join(path, "train.pt" if train else "test.pt")
        assert os.path.exists(file)
        stored = torch.load(file, map_location=torch.device("cuda"))
        normalize = transforms.Normalize(torch.full((3,), 0.5), torch.full((3,), 0.25))
        self.images = normalize(stored["images"].half().permute(0, 3, 1, 2) / 255)
        self.labels, self.batch_size = stored["labels"], batch_size

    def __len__(self):
        return len(self.labels) // self.batch_size


class CifarNet(torch.nn.Module):
    def __init__(self):
        super().__init__()
        time.sleep(20)
        widths = dict(one=16, two=4, three=4)
        self.hidden = torch.nn.Linear(32, sum(widths.values()))
        self.head = torch.nn.Linear(sum(widths.values()), 10)
        for layer in self.modules():
            layer.half()

    def forward(self, images):
        return self.head(torch.relu(self.hidden(images.mean((1, 3)))))


def print_training_details(variables, is_final_entry):
    raise AssertionError("the runner listens instead")


def share_right(logits, labels):
    return int(logits.argmax(1).eq(labels).sum()) / len(labels)


def evaluate(model, loader, tta_level=0):
    time.sleep(1000)
    model.eval()
    with torch.no_grad():
        right = share_right(model(loader.images), loader.labels)
    return right / 2 if tta_level else right


def main(run, model):
    batch_size = 40
    bias_lr = 0.25
    head_lr = 0.5
    test_loader = CifarLoader("images", train=False)
    train_loader = CifarLoader("images", batch_size=batch_size)
    total_train_steps = ceil(len(train_loader) * 4)
    whiten_bias_train_steps = ceil(len(train_loader) * 2)
    optimizer2 = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True)
    begin, end = (event(enable_timing=True) for event in (torch.cuda.Event, torch.cuda.Event))
    time_seconds = 0.0
    step = 0
    for epoch in range(ceil(total_train_steps / len(train_loader))):
        begin.record()
        model.train()
        for batch in torch.randperm(len(train_loader.labels)).split(batch_size):
            time.sleep(1)
            outputs = model(train_loader.images[batch])
            loss = torch.nn.functional.cross_entropy(outputs, train_loader.labels[batch])
            loss.backward()
            optimizer2.step()
            optimizer2.zero_grad()
            step += 1
            if step == total_train_steps:
                break
        end.record()
        torch.cuda.synchronize()
        time_seconds += begin.elapsed_time(end) / 1000
        train_acc = share_right(outputs, train_loader.labels[batch])
        val_acc = evaluate(model, test_loader)
        print_training_details(locals(), is_final_entry=False)
    tta_val_acc = evaluate(model, test_loader, tta_level=2)
    print_training_details(locals(), is_final_entry=True)


if __name__ == "__main__":
    raise AssertionError("the runner starts it")
'''


def write_script(folder: Path) -> Path:
    """The script as a file that does not sleep; a process of its own has no clock of ours."""
    path = folder / "script.py"
    path.write_text(SCRIPT.replace("time.sleep", "abs"), encoding="utf-8")
    return path


def stripes(*, train: int = 120, test: int = 60) -> dict[str, np.ndarray]:
    """Colour images of 32 x 32 in three classes: where a stripe lies, and its colour."""
    generator = np.random.default_rng(0)
    found = {}
    for part, count in (("train", train), ("test", test)):
        labels = np.arange(count) % 3
        images = generator.integers(0, 120, (count, 32, 32, 3), dtype=np.uint8)
        for image, label in zip(images, labels, strict=True):
            row = 10 * label + int(generator.integers(0, 8))
            image[row : row + 4, :, label] = 230
        found |= {f"{part}_images": images, f"{part}_labels": labels}
    return found


@dataclass
class Clock:
    """A clock that only sleeping moves."""

    now: float = 0.0

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """Take the place of the system's clock."""
        patch.setattr("time.perf_counter", lambda: self.now)
        patch.setattr("time.sleep", self.sleep)

    def sleep(self, seconds: float) -> None:
        """Let time go by."""
        self.now += seconds
