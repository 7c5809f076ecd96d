"""The access log: written by a thread, and never in the way."""

from __future__ import annotations

import threading

from cnnlab.serving.access_log import AccessLog


def test_lines_are_written_in_order_and_the_last_ones_too() -> None:
    written: list[str] = []
    with AccessLog(written.append) as log:
        for number in range(100):
            log.add(str(number))
    assert "".join(written).splitlines() == [str(number) for number in range(100)]


def test_a_reader_that_stands_still_holds_up_nobody_and_is_told() -> None:
    written: list[str] = []
    reads, begun = threading.Event(), threading.Event()

    def write(text: str) -> None:
        begun.set()
        reads.wait()
        written.append(text)

    with AccessLog(write) as log:
        log.add("first")
        begun.wait()
        for number in range(10_005):
            log.add(str(number))
        reads.set()
    lines = "".join(written).splitlines()
    assert lines[0] == "first"
    assert lines[1] == "5"
    assert lines[-1] == "cnnlab: 5 lines of the access log are missing here"


def test_a_log_that_cannot_be_written_does_not_stop_anything() -> None:
    def write(text: str) -> None:
        raise BrokenPipeError

    with AccessLog(write) as log:
        log.add("line")
