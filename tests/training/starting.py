"""Settings of a quick training that starts from a run, or from which one starts."""

__all__ = ["settings_of"]


def settings_of(source, model, **more):
    """Settings for a quick training."""
    training = {"epochs": 2, "batch_size": 16, **more.pop("training", {})}
    return {
        "data": {"source": str(source), **more.pop("data", {})},
        **({"model": model} if model else {}),
        "training": training,
        "optimizer": {"name": "adam", "lr": 0.01, **more.pop("optimizer", {})},
        "device": "cpu",
        "threads": 1,
        **more,
    }
