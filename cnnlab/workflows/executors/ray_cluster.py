"""A Ray cluster to train on: somebody's, or one of this machine alone, started for the occasion."""

from __future__ import annotations

import gc
import logging
import os
import secrets
import signal
import socket
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from cnnlab.errors import ConfigError, FailedError, InputError
from cnnlab.workflows.executors.folders import own_folder

__all__ = ["open_cluster", "require_ray"]

#: The store passes on pieces of run directories, never more than a few at a time.
_STORE_BYTES = 256 << 20
_CONNECT_SECONDS = 10.0

_LOOPBACK = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
#: Ray sets this itself when it starts a cluster.
_SET_BY_RAY = "RAY_AUTH_MODE"

#: What keeps Ray quiet, and to itself.
_ANYWHERE = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}


@cache
def _secret() -> str:
    """What a process of the cluster shows to another; Ray reads it once in a process."""
    return secrets.token_hex(32)


def _local_settings() -> dict[str, str]:
    """For a cluster of our own, which Ray protects by a secret from others on this machine.

    It stays in the environment of our processes; Ray would write one into the user's home.
    """
    return {_LOOPBACK: "0", "RAY_AUTH_TOKEN": _secret()}


@contextmanager
def _with(module: str, name: str, value: object) -> Iterator[None]:
    """Give something in one of Ray's modules another value, where it is there."""
    content = vars(import_module(module))
    if name not in content:
        yield
        return
    before = content[name]
    content[name] = value
    try:
        yield
    finally:
        content[name] = before


def require_ray() -> None:
    """Raise :class:`InputError` that says what to install where Ray is missing."""
    if find_spec("ray") is None:
        raise InputError(
            "the executor ray needs the package ray, which is not installed",
            where="--executor",
            todo="pip install 'cnnlab[ray]', or take --executor local",
        )


@contextmanager
def open_cluster(address: str | None, *, cores: int, gpus: int) -> Iterator[Any]:
    """Connect to the cluster at ``address``, or start one of so many cores and GPUs; yields ray.

    Where this process is connected already, that cluster is used, and stays.
    """
    require_ray()
    if address is not None:
        _check_reachable(address)
    settings = _ANYWHERE | (_local_settings() if address is None else {})
    with _environment(settings), _quiet():
        ray: Any = import_module("ray")
        if ray.is_initialized():
            yield ray
            return
        with _temporary_folder() as folder:
            try:
                with _signals_kept():
                    _connect(ray, address, folder, cores, gpus)
                yield ray
            finally:
                ray.shutdown()
                gc.collect()  # Ray's own processes, while Python keeps to itself that it left them


def _connect(ray: Any, address: str | None, folder: Path, cores: int, gpus: int) -> None:
    common = {"logging_level": logging.CRITICAL, "log_to_driver": False}
    if address is None:
        # The variable _LOOPBACK says it, too; Ray may have been imported before that was set.
        with _with("ray._private.ray_constants", "ENABLE_RAY_CLUSTER", value=False):
            ray.init(
                "local",
                num_cpus=cores,
                num_gpus=gpus,
                include_dashboard=False,
                object_store_memory=_STORE_BYTES,
                _temp_dir=str(folder),
                **common,
            )
        return
    try:
        ray.init(address, **common)
    except (ConnectionError, RuntimeError, ValueError, AssertionError, OSError) as error:
        said = " ".join(str(error).split())[:300]
        raise FailedError(f"cannot connect to Ray: {said}", where=address) from error


def _check_reachable(address: str) -> None:
    """Ray would try for a minute, and then say less."""
    if address == "auto":
        return
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not (host and colon and port.isascii() and port.isdigit() and int(port) < 1 << 16):
        raise ConfigError(
            f"'{address}' is no address of a Ray cluster",
            where="--address",
            expected="HOST:PORT, ray://HOST:PORT or auto",
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), _CONNECT_SECONDS).close()
    except OSError as error:
        raise FailedError(
            f"nothing answers there: {error.strerror or error}",
            where=address,
            todo="start Ray there with: ray start --head",
        ) from error


@contextmanager
def _environment(settings: Mapping[str, str]) -> Iterator[None]:
    """Set variables, unless the user has, and put everything back."""
    own = {name: value for name, value in settings.items() if name not in os.environ}
    left = {_SET_BY_RAY} - set(os.environ)
    os.environ.update(own)
    try:
        yield
    finally:
        for name in {*own, *left}:
            os.environ.pop(name, None)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep to itself what Ray warns of and logs in this process: it is about its insides."""
    logger = logging.getLogger("ray")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # It prints that a worker died to standard output, where our results go.
            with _with("ray._private.worker", "_worker_logs_enabled", value=False):
                yield
    finally:
        logger.setLevel(before)


@contextmanager
def _signals_kept() -> Iterator[None]:
    """Put back what to do at TERM, which Ray decides anew when it connects."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    """A folder for Ray's logs and sockets, whose paths the system wants short."""
    short = Path("/tmp")  # noqa: S108 # what is made in it is ours alone
    with own_folder("cnnlab-ray", short if short.is_dir() else None) as folder:
        yield folder
