"""TensorBoard: a run as one event file, whose bytes follow from the run's records.

Written with TensorBoard's own record writer and its own messages. ``torch.utils.tensorboard``
and TensorBoard's ``EventFileWriter`` are not used: both load the whole of TensorFlow where that
is installed, the latter writes from a thread into a new file each time, with the clock's time in
it, and a curve that is sent twice would be drawn twice.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from cnnlab.errors import RunError
from cnnlab.files import storage_errors, write_json
from cnnlab.runs.records import read_record
from cnnlab.tracking.identity import FOLDER
from cnnlab.tracking.subject import Outcome, Point, Subject
from cnnlab.tracking.tracker import TRACKERS, Session, Tracker

__all__ = ["EVENT_FILE", "EventFile"]

#: One file a run, always of this name, so that what is sent again takes the old one's place.
EVENT_FILE = "events.out.tfevents.cnnlab"

#: Whose folder it is, where runs of one name from several places share a folder of logs.
_OWNER = "cnnlab-run.json"


class EventFile(Session):
    """A run's event file, brought to what the records say from its beginning on.

    What stands there already and is the same is left as it is, so a TensorBoard that is looking
    at it reads on; from the first difference on it is written anew.
    """

    def __init__(self, subject: Subject, where: str | None) -> None:
        from cnnlab.tracking import event_messages as messages

        self._messages, self._subject = messages, subject
        folder = _folder(subject, where)
        self.place = str(folder)
        self.look = shlex.join(["tensorboard", "--logdir", where or str(subject.run.path.parent)])
        self._path = folder / EVENT_FILE
        with storage_errors(self._path):
            folder.mkdir(parents=True, exist_ok=True)
            self._path.touch()
        self._length = 0
        began = subject.began_seconds
        head = [
            messages.file_version(began),
            messages.hyperparameters(subject.params, subject.run.name, began),
            messages.text("architecture", _as_code(subject.summary), began),
            messages.text("tags", _as_table(subject.tags), began),
        ]
        self._put(b"".join(head))

    def send(self, points: Sequence[Point]) -> None:
        """Take the points of epochs that have come since the last call."""
        self._put(b"".join(map(self._messages.scalars, points)))

    def finish(self, outcome: Outcome) -> None:
        """Take what the run came to, and cut off what was there before behind it."""
        messages, final = self._messages, outcome.final
        parts = [messages.scalars(final)] if final.values else []
        parts += [
            messages.picture(name, content, final.step, final.time_seconds)
            for name, content in outcome.pictures.items()
        ]
        if outcome.status in ("finished", "failed"):
            ended = self._subject.ended_seconds
            parts.append(messages.session_end(outcome.status == "finished", ended))
        self._put(b"".join(parts))
        with storage_errors(self._path), self._path.open("r+b") as stream:
            stream.truncate(self._length)

    def _put(self, content: bytes) -> None:
        """Let ``content`` stand behind what was put before."""
        with storage_errors(self._path), self._path.open("r+b") as stream:
            same = _common(stream, self._length, content)
            if same < len(content):
                stream.truncate(self._length + same)
                stream.seek(self._length + same)
                stream.write(content[same:])
        self._length += len(content)


def _common(stream: BinaryIO, start: int, content: bytes) -> int:
    """How many of the bytes from ``start`` on are those of ``content``."""
    stream.seek(start)
    there = stream.read(len(content))
    if there == content:
        return len(content)
    pairs = zip(there, content, strict=False)
    return next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(there), len(content)))


def _folder(subject: Subject, where: str | None) -> Path:
    """The run's own folder of logs; beside that of another run of the same name, if need be."""
    if where is None:
        return subject.run.path / FOLDER
    name = subject.run.name
    for folder in (Path(where) / name, Path(where) / f"{name}-{subject.id[:8]}"):
        owner = folder / _OWNER
        if not owner.exists():
            write_json(owner, {"run_id": subject.id})
            return folder
        if read_record(owner).get("run_id") == subject.id:
            return folder
    raise RunError("taken by another run", where=folder, todo="choose another --where")


def _as_code(text: str) -> str:
    """As Markdown that keeps its columns; TensorBoard shows texts as Markdown."""
    return "\n".join(f"    {line}" for line in text.splitlines())


def _as_table(tags: dict[str, str]) -> str:
    rows = [f"| {name} | {value.replace('|', chr(92) + '|')} |" for name, value in tags.items()]
    return "\n".join(["| tag | value |", "| --- | --- |", *rows])


TRACKERS.add("tensorboard", Tracker(("tensorboard",), "tensorboard", EventFile))
