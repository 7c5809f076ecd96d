"""Jobs, errors and ends as plain values, for the way to a worker and back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import IO, Any

from cnnlab import errors
from cnnlab.config import make_config
from cnnlab.errors import CnnlabError, FailedError
from cnnlab.workflows.executors.interface import Job, JobEnd

__all__ = ["Message", "end_from", "end_to", "job_from", "job_to", "send_line", "unexpected"]

#: What JSON can say.
Message = dict[str, Any]


def send_line(stream: IO[bytes], message: Message) -> None:
    """Write a message as a line to a stream without a buffer, which may take a part at a time."""
    rest = memoryview(json.dumps(message).encode() + b"\n")
    while rest:
        rest = rest[stream.write(rest) :]


def job_to(job: Job) -> Message:
    """A job as plain values."""
    return {"config": job.config.to_dict(), "runs": str(job.runs), "group": job.group}


def job_from(message: Message) -> Job:
    """The job that :func:`job_to` wrote."""
    return Job(make_config([message["config"]]), Path(message["runs"]), message["group"])


def end_to(end: JobEnd) -> Message:
    """How a job ended, without the job, as plain values."""
    return {"outcome": end.outcome, "said": end.said, "error": end.error and _error_to(end.error)}


def end_from(job: Job, message: Message) -> JobEnd:
    """The end that :func:`end_to` wrote, of ``job``."""
    error = message["error"]
    return JobEnd(job, message["outcome"], message["said"], error and _error_from(error))


def _error_to(error: CnnlabError) -> Message:
    return {
        "kind": type(error).__name__,
        "what": error.what,
        "where": None if error.where is None else str(error.where),
        "expected": error.expected,
        "todo": error.todo,
    }


def _error_from(message: Message) -> CnnlabError:
    kind = getattr(errors, message["kind"], FailedError)
    parts = {key: message[key] for key in ("where", "expected", "todo")}
    found = kind(message["what"], **parts)
    assert isinstance(found, CnnlabError)
    return found


def unexpected(job: Job, error: Exception) -> JobEnd:
    """The end of a job that met a bug of ours: one line for the user."""
    found = FailedError(
        f"unexpected {type(error).__name__}: {error}",
        where=job.name,
        todo="this is a bug, please report it with what CNNLAB_TRACEBACK=1 shows of "
        "--executor in-process",
    )
    return JobEnd(job, "failed", str(found), found)
