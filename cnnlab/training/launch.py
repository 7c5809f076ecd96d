"""Starting one training as several processes of this machine, and seeing them to their end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from cnnlab.errors import RankError
from cnnlab.ranks import LOST, RENDEZVOUS
from cnnlab.runs import command_line

__all__ = ["launch"]

_POLL_SECONDS = 0.05
#: What the others get to end by themselves when one has ended badly.
_GRACE_SECONDS = 8.0
_STOPPED = tuple(128 + number for number in (signal.SIGINT, signal.SIGTERM))


def launch(arguments: Sequence[str], devices: int) -> int:
    """Run ``cnnlab ARGUMENTS`` as so many ranks of this machine; return the exit code.

    Rank 0 has this process's streams; of the others only what goes to standard error is shown. INT
    and TERM are passed on. Raises :class:`RankError` where a rank was ended from outside, after
    the others have ended, too.
    """
    with tempfile.TemporaryDirectory(prefix="cnnlab-ranks-") as folder:
        ranks = _Ranks(arguments, devices, Path(folder))
        try:
            with ranks.signals_passed_on():
                codes = ranks.wait()
        finally:
            ranks.kill()
        return ranks.verdict(codes)


class _Ranks:
    """The processes, from their start to the last one's end."""

    def __init__(self, arguments: Sequence[str], devices: int, folder: Path) -> None:
        self._arguments, self._folder = arguments, folder
        self._asked: int | None = None
        self._processes: list[subprocess.Popen[bytes]] = []
        try:
            for rank in range(devices):
                self._processes.append(self._start(rank, devices))
        except BaseException:
            self.kill()
            raise

    def _start(self, rank: int, size: int) -> subprocess.Popen[bytes]:
        here = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": size, "LOCAL_WORLD_SIZE": size}
        environment = {
            # They are on this machine, so what they say need not go through its network.
            "GLOO_SOCKET_IFNAME": "lo0" if sys.platform == "darwin" else "lo",
            **os.environ,
            **{name: str(value) for name, value in here.items()},
            RENDEZVOUS: str(self._folder),
        }
        unheard = None if rank == 0 else subprocess.DEVNULL
        # -m would look for modules in the folder that we are in, before all others.
        safe = [] if sys.path[0] in ("", str(Path.cwd())) else ["-P"]
        return subprocess.Popen(  # noqa: S603 # ourselves, with what we were given
            [sys.executable, *safe, "-m", "cnnlab", *self._arguments],
            env=environment,
            stdin=unheard,
            stdout=unheard,
            # A terminal's Ctrl-C reaches this process alone, which passes it on once.
            start_new_session=True,
        )

    @contextmanager
    def signals_passed_on(self) -> Iterator[None]:
        """While it is entered, INT and TERM go to the ranks, which save and end."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        numbers = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, self._pass_on) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        del frame
        self._asked = number
        for process in self._processes:
            process.send_signal(number)

    def wait(self) -> list[int]:
        """Wait for all to end; return their exit codes, or minus the signal that ended them.

        Once one has ended badly, the others get some seconds; one that was asked to stop may take
        its time, for it saves.
        """
        deadline: float | None = None
        while True:
            codes = [process.poll() for process in self._processes]
            if None not in codes or (deadline is not None and time.monotonic() > deadline):
                break
            bad = [code for code in codes if code and code not in _STOPPED]
            if bad and deadline is None:
                deadline = time.monotonic() + _GRACE_SECONDS
            time.sleep(_POLL_SECONDS)
        return [LOST if code is None else code for code in codes]

    def kill(self) -> None:
        """End what still runs."""
        for process in self._processes:
            if process.poll() is None:
                process.kill()
                process.wait()

    def verdict(self, codes: Sequence[int]) -> int:
        """The exit code of the whole; what a rank has said itself is not said again."""
        for rank, code in enumerate(codes):
            if code < 0:
                if self._asked is not None and -code == self._asked:
                    return 128 + self._asked
                name = signal.Signals(-code).name
                raise self._error(f"rank {rank} of {len(codes)} was ended by {name}")
        said = [code for code in codes if code not in (0, LOST)]
        if said:
            return said[0]
        if LOST in codes:
            raise self._error(f"the {len(codes)} processes of this training lost each other")
        return 0

    def _error(self, what: str) -> RankError:
        note = self._folder / "run"
        if not note.exists():
            return RankError(what, todo="nothing was trained yet: start it again")
        run = note.read_text(encoding="utf-8")
        return RankError(
            f"{what}; {run} is saved up to its last checkpoint",
            todo="go on with: "
            + command_line("train", "--resume", run, "--devices", len(self._processes)),
        )
