import errno
import hashlib
import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cnnlab.errors import RunError, StorageError
from cnnlab.files import (
    append_line,
    atomic_path,
    exclusive_lock,
    expanded,
    is_locked,
    sha256_of_file,
    write_json,
    write_text,
)


def test_a_written_file_replaces_the_old_one_whole(tmp_path):
    path = tmp_path / "deep" / "a.txt"
    write_text(path, "old")
    write_text(path, "new ü")
    assert path.read_text(encoding="utf-8") == "new ü"
    assert list(path.parent.iterdir()) == [path]


def test_an_error_while_writing_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old")

    def fail_half_way():
        with atomic_path(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        fail_half_way()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_case_17_a_full_disk_is_one_line_and_leaves_nothing(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="no space left on device") as caught:
        write_json(tmp_path / "a.json", {"a": 1})
    assert caught.value.exit_code == 3
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_what_a_dead_process_left_of_a_file_goes_when_it_is_written_anew(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    left = tmp_path / f".a.txt.{dead.pid}.0123abcd.tmp"
    others = [tmp_path / f".b.txt.{dead.pid}.0123abcd.tmp", tmp_path / ".a.txt.tmp",
              tmp_path / f".a.txt.{os.getpid()}.0123abcd.tmp"]  # fmt: skip
    for path in (left, *others):
        path.write_text("half")
    write_text(tmp_path / "a.txt", "whole")
    assert {*tmp_path.iterdir()} == {tmp_path / "a.txt", *others}


def test_a_name_that_is_no_utf8_can_be_written_and_json_reads_it_back(tmp_path):
    name = os.fsdecode(b"r\xff")
    write_json(tmp_path / "a.json", {"run": name})
    append_line(tmp_path / "a.jsonl", json.dumps({"run": name}, ensure_ascii=False))
    for file in ("a.json", "a.jsonl"):
        assert json.loads((tmp_path / file).read_text(encoding="utf-8")) == {"run": name}


def test_a_folder_in_the_way_is_a_storage_error(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file" / "a.txt", tmp_path / "file" / "b" / "a.txt"):
        with pytest.raises(
            StorageError, match=r"cannot write: \S+file is a file and no folder; choose a"
        ):
            write_text(path, "x")


def test_lines_are_appended(tmp_path):
    append_line(tmp_path / "a.jsonl", "1")
    append_line(tmp_path / "a.jsonl", "2")
    assert (tmp_path / "a.jsonl").read_bytes() == b"1\n2\n"


def test_a_line_that_was_cut_off_is_removed_before_the_next(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"1\n2 and then the power")
    append_line(path, "3")
    assert path.read_bytes() == b"1\n3\n"


def test_sha256_is_hashlibs(tmp_path):
    content = os.urandom(3_000_001)
    (tmp_path / "a").write_bytes(content)
    assert sha256_of_file(tmp_path / "a") == hashlib.sha256(content).hexdigest()


def test_a_lock_keeps_another_process_out_until_its_holder_is_killed(tmp_path):
    lock = tmp_path / ".lock"
    code = (
        "import sys, time; from pathlib import Path; from cnnlab.files import exclusive_lock\n"
        "with exclusive_lock(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, lock], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        assert is_locked(lock)
        with (
            pytest.raises(RunError, match="another training"),
            exclusive_lock(lock, holder="training"),
        ):
            pass
        holder.kill()
    deadline = time.monotonic() + 10
    with exclusive_lock(lock, wait_seconds=deadline - time.monotonic()):
        assert is_locked(lock)
    assert not is_locked(lock)


def test_asking_for_a_lock_that_is_not_there_creates_none(tmp_path):
    assert not is_locked(tmp_path / ".lock")
    assert not list(tmp_path.iterdir())


def test_a_write_that_fails_half_way_is_not_made_once_more(tmp_path, monkeypatch):
    """Half of a line is no line; half of one with a whole one behind it would be a damaged one."""
    path = tmp_path / "a.jsonl"
    append_line(path, '{"epoch": 1}')

    class Broken(io.FileIO):
        failed = False

        def write(self, content):
            if Broken.failed:
                return super().write(content)
            Broken.failed = True
            super().write(bytes(content)[:5])
            raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(
        type(path), "open", lambda self, mode, buffering=-1: _opened(Broken(self, "a+"), buffering)
    )
    with pytest.raises(StorageError):
        append_line(path, '{"epoch": 2}')
    monkeypatch.undo()
    assert path.read_bytes().rpartition(b"\n")[0] == b'{"epoch": 1}'
    append_line(path, '{"epoch": 3}')
    assert path.read_text() == '{"epoch": 1}\n{"epoch": 3}\n'


def _opened(raw, buffering):
    return raw if buffering == 0 else io.BufferedRandom(raw)


def test_a_home_is_put_in_full_and_nobodys_is_left_as_it_is():
    assert expanded("~/x") == Path.home() / "x"
    assert expanded(Path("a/~b")) == Path("a/~b")
    assert expanded("~nosuch/x") == Path("~nosuch/x")
