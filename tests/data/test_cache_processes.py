"""One cache and several processes: who decodes, who waits, who is killed."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from cache_files import KEY, Reader, entries, get

pytestmark = pytest.mark.usefixtures("home")

BUILDER = """
import sys, time
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_cache import Reader, get
here = Path({here!r})
def read(allocate):
    allocate((6, 8, 8, 3))
    (here / "started").touch()
    while not (here / "go").exists():
        time.sleep(0.01)
    return Reader()(allocate)
print(get(read).fingerprint)
"""


def start_builder(here: Path) -> subprocess.Popen[str]:
    """Start a process that decodes until the file "go" appears; return when it is at it."""
    script = BUILDER.format(tests=str(Path(__file__).parent), here=str(here))
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    while not (here / "started").exists():
        assert process.poll() is None
        time.sleep(0.01)
    return process


def test_of_two_processes_one_decodes_and_both_end_well(tmp_path: Path, home: Path) -> None:
    process = start_builder(tmp_path)
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        (tmp_path / "go").touch()

    read = Reader()
    dataset = get(read, say=say)
    output, _ = process.communicate()
    assert process.returncode == 0
    assert output.strip() == dataset.fingerprint
    assert read.calls == 0
    assert said == ["another process is decoding the same images; waiting for it"]
    assert entries(home) == [KEY.digest]


def test_after_a_kill_the_next_one_decodes(tmp_path: Path, home: Path) -> None:
    process = start_builder(tmp_path)
    process.kill()
    process.communicate()
    assert len(entries(home)) == 1
    read = Reader()
    get(read)
    assert read.calls == 1
    assert entries(home) == [KEY.digest]
