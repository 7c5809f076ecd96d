"""Cores and memory under every kind of limit, on machines made of files."""

import os
import platform
import resource
import subprocess
import sys

import psutil
import pytest

from cnnlab.files import write_text
from cnnlab.machine import (
    available_memory,
    keep_freed_memory,
    processor_flags,
    processor_name,
    usable_cores,
)

GIB = 1 << 30


@pytest.fixture
def cores(tmp_path, monkeypatch):
    """A machine whose process may run on four hardware threads of two cores."""
    own = tmp_path / "own"
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 4, 5}, raising=False)

    def count(text="0::/\n"):
        own.write_text(text)
        return usable_cores(cgroups=tmp_path / "cgroup", own=own, topology=tmp_path / "processors")

    def siblings(number, text):
        write_text(
            tmp_path / "processors" / f"cpu{number}/topology/thread_siblings_list", f"{text}\n"
        )

    count.folder, count.siblings = tmp_path / "cgroup", siblings
    return count


def test_cores_are_counted_and_not_their_hardware_threads(cores):
    assert cores() == (4, "4 cores to run on")
    for number, text in ((0, "0,4"), (4, "0,4"), (1, "1,5"), (5, "1,5")):
        cores.siblings(number, text)
    assert cores() == (2, "2 cores to run on (4 hardware threads)")


@pytest.mark.parametrize(
    ("limit", "count"),
    [
        ("max 100000", 4),
        ("400000 100000", 4),
        ("900000 100000", 4),
        ("200000 100000", 2),
        ("150000 100000", 2),
        ("120000 100000", 1),
        ("5000 100000", 1),
        ("nonsense", 4),
        ("100000 0", 4),
        ("-1 100000", 4),
    ],
)
def test_a_containers_share_of_time_limits_the_cores(cores, limit, count):
    write_text(cores.folder / "cpu.max", f"{limit}\n")
    found, reason = cores()
    assert found == count
    assert ("control group" in reason) is (count < 4)


def test_the_smallest_share_around_the_process_counts(cores):
    write_text(cores.folder / "a" / "cpu.max", "200000 100000\n")
    write_text(cores.folder / "a" / "b" / "cpu.max", "300000 100000\n")
    assert cores("0::/a/b\n") == (2, "its control group has the time of 2 cores")
    assert cores("0::/c\n")[0] == 4


def test_shares_of_version_1(cores):
    for place, quota in (("docker/77", 100000), ("", -1)):
        write_text(cores.folder / "cpu" / place / "cpu.cfs_quota_us", f"{quota}\n")
        write_text(cores.folder / "cpu" / place / "cpu.cfs_period_us", "50000\n")
    assert cores("3:cpu,cpuacct:/docker/77\n")[0] == 2
    assert cores("3:cpu,cpuacct:/\n")[0] == 4


def test_this_machine_has_cores_and_a_processor():
    count, reason = usable_cores()
    assert 1 <= count <= (os.cpu_count() or 1)
    assert reason
    assert processor_name()
    assert processor_flags() or platform.machine() != "x86_64"


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's malloc is what is set")
def test_freed_memory_is_kept_for_the_next_tensor():
    """Asked of the kernel: how often a page is new, over rounds of 64 MB made and freed.

    The first few find no gap of the right alignment.
    """
    code = """
import resource, sys, torch
from cnnlab.machine import keep_freed_memory
if sys.argv[1] == "keep":
    assert keep_freed_memory()
for round in range(30):
    torch.ones(16_000_000)
    if round == 9:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
    faults = [
        int(subprocess.check_output([sys.executable, "-c", code, how])) for how in ("keep", "leave")
    ]
    assert faults[0] < 2000 < faults[1]


def test_another_libc_is_left_alone(monkeypatch):
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    assert keep_freed_memory() is False


def group(folder, *, limit, used=GIB, cache=0, version=2):
    """A control group's files."""
    names = ("memory.max", "memory.current", "inactive_file") if version == 2 else (
        "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")  # fmt: skip
    write_text(folder / names[0], f"{limit}\n")
    write_text(folder / names[1], f"{used}\n")
    write_text(folder / "memory.stat", f"anon 5\n{names[2]} {cache}\nfile 7\n")


@pytest.fixture
def limits(tmp_path, monkeypatch):
    """A machine with 64 GiB free; call it with what /proc/self/cgroup says."""
    monkeypatch.setattr(psutil, "virtual_memory", lambda: type("M", (), {"available": 64 * GIB})())
    own = tmp_path / "own"

    def available(text):
        own.write_text(text)
        return available_memory(cgroups=tmp_path / "cgroup", own=own)

    available.folder = tmp_path / "cgroup"
    return available


def test_the_smallest_limit_around_the_process_counts(limits):
    group(limits.folder, limit="max")
    group(limits.folder / "a", limit=8 * GIB, used=7 * GIB, cache=2 * GIB)
    group(limits.folder / "a" / "b", limit=16 * GIB)
    assert limits("0::/a/b\n") == 3 * GIB
    assert limits("0::/a\n") == 3 * GIB
    assert limits("0::/\n") == 64 * GIB


def test_a_container_that_sees_its_own_group_as_the_top_is_limited(limits):
    group(limits.folder, limit=4 * GIB, used=GIB)
    assert limits("0::/\n") == 3 * GIB
    assert limits("0::/not/visible/here\n") == 3 * GIB


def test_control_groups_of_version_1(limits):
    text = "12:pids:/x\n4:cpu,memory:/docker/77\n0::/\n"
    group(limits.folder / "memory" / "docker" / "77", limit=2 * GIB, used=GIB, version=1)
    group(limits.folder / "memory", limit=9223372036854771712, version=1)
    assert limits(text) == GIB


@pytest.mark.parametrize("text", ["", "nonsense\n", "0::\n", "::::\n", "1:memory\n"])
def test_what_cannot_be_read_is_no_limit(limits, text):
    write_text(limits.folder / "memory.max", "nonsense")
    assert limits(text) == 64 * GIB


def test_more_used_than_allowed_leaves_nothing(limits):
    group(limits.folder, limit=GIB, used=2 * GIB)
    assert limits("0::/\n") == 0


def test_the_shells_limit_counts(limits, monkeypatch):
    used = psutil.Process().memory_info().vms
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (used + 5 * GIB, -1))
    assert 4 * GIB < limits("") <= 5 * GIB + (64 << 20)
