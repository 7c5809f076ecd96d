"""Times one thing in a fresh process and prints the seconds as a JSON list.

::

    python benchmarks/startup_worker.py import
    python benchmarks/startup_worker.py open DATA
    python benchmarks/startup_worker.py infer MODEL IMAGES [IMAGES ...]

Nothing is imported up here that the interpreter has not loaded itself: that would be taken from
what ``import`` measures.
"""

import sys
import time


def import_seconds() -> list[float]:
    """The statement ``import cnnlab``."""
    begin = time.perf_counter()
    import cnnlab

    seconds = time.perf_counter() - begin
    if not cnnlab.__all__:  # so that it was the real one
        raise ImportError("cnnlab is empty")
    return [seconds]


def open_seconds(data: str) -> list[float]:
    """The first opening of a dataset that was decoded before; what it imports is imported."""
    import cnnlab

    open_dataset = cnnlab.open_dataset
    begin = time.perf_counter()
    dataset = open_dataset(data)
    seconds = time.perf_counter() - begin
    if not len(dataset):
        raise ValueError("there is no image")
    return [seconds]


def infer_seconds(
    model: str, counts: list[int], *, warm_up: int = 3, calls: int = 9
) -> list[float]:
    """One prediction of so many images, for each count: the median of some calls after a warm-up.

    From uint8 pixels in memory to logits in memory, as evaluation does it; torch, the network and
    its first calls are paid before.
    """
    import statistics

    import numpy as np
    import torch

    from cnnlab.inference import measure_preprocessing, place, predict_logits
    from cnnlab.models import load_model_file

    file = load_model_file(model)
    architecture = file.architecture()
    network = place(architecture.build(), torch.device("cpu")).eval()
    shape = (max(counts), *architecture.input_shape)
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    normalization = file.normalization or "standard"
    preprocessing = measure_preprocessing(pixels, np.arange(len(pixels)), normalization)

    def seconds(images: np.ndarray) -> float:
        begin = time.perf_counter()
        predict_logits(network, images, preprocessing)
        return time.perf_counter() - begin

    taken = [[seconds(pixels[:count]) for _ in range(warm_up + calls)] for count in counts]
    return [statistics.median(each[warm_up:]) for each in taken]


def main(arguments: list[str]) -> None:
    """Measure what is asked and print it."""
    kind, *rest = arguments
    if kind == "import":
        found = import_seconds()
    elif kind == "open":
        found = open_seconds(*rest)
    else:
        found = infer_seconds(rest[0], [int(count) for count in rest[1:]])
    print(found)


if __name__ == "__main__":
    main(sys.argv[1:])
