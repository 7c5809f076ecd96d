"""Bringing published files here: mirrors in order, resumed where cut off, verified whole.

A file is known beforehand (name, size, digest). It grows in a hidden ``.NAME.part`` beside its
place, which a later attempt goes on with, and takes its name in one step when all of it is here
and has the published digest. So nobody ever sees half a file, or another file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from cnnlab.data.places import is_offline
from cnnlab.data.reading import check_digest
from cnnlab.data.source import Say
from cnnlab.data.transfer import Broken, Meter, PassedOver, Patience, TooSlow, append
from cnnlab.errors import ChecksumError, DownloadError, RunError
from cnnlab.files import atomic_path, exclusive_lock, storage_errors

__all__ = ["Mirror", "RemoteFile", "fetch_files", "fetch_lock", "refuse_if_offline"]

_WAIT_SECONDS = 3600.0


@dataclass(frozen=True)
class RemoteFile:
    """A published file: its name, its size, and its digest as ``ALGORITHM:HEX``."""

    name: str
    size_bytes: int
    digest: str


@dataclass(frozen=True)
class Mirror:
    """A server that has the files: what people call it, and what stands before a file's name."""

    name: str
    base_url: str


def refuse_if_offline(what: str) -> None:
    """:class:`DownloadError` where the user has said that nothing may be downloaded."""
    if is_offline():
        raise DownloadError(
            "it is not on this machine, and nothing is downloaded offline",
            where=what,
            todo="leave --offline away, or unset CNNLAB_OFFLINE",
        )


@contextmanager
def fetch_lock(folder: Path, say: Say, *, wait_seconds: float | None = None) -> Iterator[None]:
    """Let one process at a time bring files into ``folder``; the others wait for it.

    Raises :class:`DownloadError` when the other one is still busy after ``wait_seconds``
    (None: an hour).
    """
    path = folder.parent / f".{folder.name}.lock"
    with ExitStack() as stack:
        try:
            stack.enter_context(exclusive_lock(path))
        except RunError:
            say(f"another process is fetching into {folder}: waiting for it")
            wait = _WAIT_SECONDS if wait_seconds is None else wait_seconds
            try:
                stack.enter_context(exclusive_lock(path, wait_seconds=wait))
            except RunError as error:
                raise DownloadError(
                    "another process is still fetching into it",
                    where=folder,
                    todo="wait for it, or stop it",
                ) from error
        yield


def fetch_files(
    files: Sequence[RemoteFile],
    mirrors: Sequence[Mirror],
    folder: Path,
    say: Say,
    *,
    command: str,
    time_limit_seconds: float | None = None,
    patience: Patience | None = None,
) -> None:
    """Bring ``files`` into ``folder``, each verified by its digest; those that are there stay.

    Parameters
    ----------
    mirrors: tried in this order; one that fails is passed over, by name, for good.
    command: what fetches these files without a limit; printed where it takes too long.
    time_limit_seconds: a mirror is given up as soon as the projected time for all files exceeds
        it.

    Raises
    ------
    DownloadError: no mirror gave the files (in time); the next attempt goes on with what came.
    """
    refuse_if_offline(", ".join(file.name for file in files))
    with fetch_lock(folder, say, wait_seconds=time_limit_seconds):
        missing = [file for file in files if not _is_here(file, folder)]
        total = sum(file.size_bytes for file in missing)
        meter = Meter(say, total_bytes=total, limit_seconds=time_limit_seconds)
        job = _Job(folder, meter, patience or Patience())
        reasons: list[tuple[Mirror, PassedOver]] = []
        for mirror in mirrors:
            try:
                while missing:
                    job.fetch(missing[0], mirror)
                    missing.pop(0)
            except PassedOver as reason:
                say(f"{mirror.name} {reason}")
                reasons.append((mirror, reason))
        if missing:
            raise _failure(missing[0], reasons, command, time_limit_seconds)


@dataclass(frozen=True)
class _Job:
    """Where files go, and how their coming is measured."""

    folder: Path
    meter: Meter
    patience: Patience

    def fetch(self, file: RemoteFile, mirror: Mirror) -> None:
        """Bring one file from one mirror, going on where an earlier attempt stopped."""
        partial = self.folder / f".{file.name}.part"
        with storage_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            if partial.exists() and partial.stat().st_size > file.size_bytes:
                partial.unlink()
        inherited = partial.exists()
        self._fill(partial, file, mirror)
        try:
            check_digest(partial, file.digest, todo="")
        except ChecksumError as error:
            with storage_errors(partial):
                partial.unlink()
            if not inherited:
                raise PassedOver("sends other contents than were published") from error
            # Another mirror or another day may be to blame for what was there before.
            self.fetch(file, mirror)
            return
        with atomic_path(self.folder / file.name) as temporary:
            partial.replace(temporary)
        self.meter.finish(file.size_bytes)

    def _fill(self, partial: Path, file: RemoteFile, mirror: Mirror) -> None:
        """Ask again until the file is whole; longer and longer pauses follow what brings nothing.

        A server that is asked too often, or comes up again, is so given time.
        """
        patience, idle = self.patience, 0
        for _ in range(patience.attempts):
            before = _size(partial)
            if before == file.size_bytes:
                return
            try:
                append(
                    mirror.base_url + file.name,
                    partial,
                    label=f"{file.name} from {mirror.name}",
                    size_bytes=file.size_bytes,
                    meter=self.meter,
                    patience=patience,
                )
            except Broken as trouble:
                last = trouble
                idle = 0 if _size(partial) > before else idle + 1
                pause = max(trouble.wait_seconds, patience.pause_seconds * 2 ** (idle - 1))
                if idle == patience.idle_attempts or pause > patience.longest_pause_seconds:
                    raise
                if idle:
                    self.meter.pause(pause, f"{mirror.name} {trouble}")
            else:
                return
        raise last


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _is_here(file: RemoteFile, folder: Path) -> bool:
    path = folder / file.name
    if not path.is_file() or path.stat().st_size != file.size_bytes:
        return False
    try:
        check_digest(path, file.digest, todo="")
    except ChecksumError:
        return False
    return True


def _failure(
    file: RemoteFile,
    reasons: Sequence[tuple[Mirror, PassedOver]],
    command: str,
    limit_seconds: float | None,
) -> DownloadError:
    """Say why no mirror served: with the projected time where time was all that lacked."""
    slow = [reason.projected_seconds for _, reason in reasons if isinstance(reason, TooSlow)]
    told = "; ".join(f"{mirror.name} {reason}" for mirror, reason in reasons)
    if slow and limit_seconds is not None:
        return DownloadError(
            f"downloading would take about {min(slow):.0f} s ({told})",
            where=file.name,
            expected=f"at most {limit_seconds:.0f} s",
            todo=f"to fetch it all the same, run: {command}",
        )
    return DownloadError(
        f"no mirror gave the file: {told}",
        where=file.name,
        todo=f"check the network or the proxy, then run: {command}",
    )
