"""What this machine gives a process: processor, cores, memory, with all limits counted."""

from __future__ import annotations

import ctypes
import os
import platform
from pathlib import Path

from cnnlab.files import expanded

__all__ = [
    "available_memory",
    "cores_to_run_on",
    "home",
    "keep_freed_memory",
    "processor_flags",
    "processor_name",
    "usable_cores",
]

_CGROUPS = Path("/sys/fs/cgroup")
_OWN_CGROUP = Path("/proc/self/cgroup")
_TOPOLOGY = Path("/sys/devices/system/cpu")
#: Files with limit and use, and the use's part that the kernel can give back, of versions 2 and 1.
_MEMORY_FILES = (
    ("memory.max", "memory.current", "inactive_file"),
    ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)

#: ``mallopt``'s numbers for these parameters, from glibc's malloc.h.
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD, _M_MMAP_MAX = -1, -2, -3, -4
_LARGEST_INT = 2**31 - 1
#: Above what any one tensor of a step is likely to take.
_FROM_HEAP_BYTES = 1 << 30
_HEAP_STEP_BYTES = 64 << 20


def home() -> Path:
    """The folder of everything that cnnlab keeps: ``CNNLAB_HOME``, else the platform's cache."""
    chosen = os.environ.get("CNNLAB_HOME")
    if chosen:
        return expanded(chosen).absolute()
    from platformdirs import user_cache_path

    return user_cache_path("cnnlab")


def usable_cores(
    *,
    cgroups: Path = _CGROUPS,
    own: Path = _OWN_CGROUP,
    topology: Path = _TOPOLOGY,
) -> tuple[int, str]:
    """How many cores this process can keep busy, and what decides that.

    Cores, not hardware threads: two threads of one core share its vector units. Only those that
    the process may run on count (``taskset``, ``cpuset``), and no more than the time that its
    control group and those around it are given (``docker run --cpus 1.5`` counts as two).
    """
    cores = cores_to_run_on(topology)
    threads = sum(map(len, cores))
    reason = f"{len(cores)} cores to run on"
    if len(cores) < threads:
        reason += f" ({threads} hardware threads)"
    quota = _cpu_quota(cgroups, own)
    if quota is not None and max(round(quota), 1) < len(cores):
        return max(round(quota), 1), f"its control group has the time of {quota:g} cores"
    return len(cores), reason


def cores_to_run_on(topology: Path = _TOPOLOGY) -> list[tuple[int, ...]]:
    """The cores that this process may run on, each by the numbers of its hardware threads."""
    cores: dict[str, tuple[int, ...]] = {}
    for number in _allowed_processors():
        siblings = _siblings(topology, number)
        cores[siblings] = (*cores.get(siblings, ()), number)
    return list(cores.values())


def _allowed_processors() -> list[int]:
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def _siblings(topology: Path, number: int) -> str:
    """The hardware threads of the core that ``number`` is one of; itself where nothing tells."""
    try:
        file = topology / f"cpu{number}" / "topology" / "thread_siblings_list"
        return file.read_text(encoding="ascii").strip() or str(number)
    except OSError:
        return str(number)


def _cpu_quota(cgroups: Path, own: Path) -> float | None:
    """The least number of cores whose time a control group gives; None without a limit."""
    folders = _control_groups("cpu", cgroups, own)
    quotas = [quota for folder in folders if (quota := _quota_of(folder)) is not None]
    return min(quotas, default=None)


def _quota_of(folder: Path) -> float | None:
    try:
        if (folder / "cpu.max").exists():
            given, period = (folder / "cpu.max").read_text(encoding="ascii").split()
        else:
            given = (folder / "cpu.cfs_quota_us").read_text(encoding="ascii")
            period = (folder / "cpu.cfs_period_us").read_text(encoding="ascii")
        share = int(given) / int(period)
    except (OSError, ValueError, ZeroDivisionError):  # not there, or "max"
        return None
    return share if share > 0 else None  # version 1 says -1 for no limit


def available_memory(*, cgroups: Path = _CGROUPS, own: Path = _OWN_CGROUP) -> int:
    """Bytes that this process can still have: the least that machine, container and shell allow.

    In a container the machine's figure says nothing of the limit that ends the process; the
    limits of its control group (``own``) and of those around it count, in version 2 or 1, and so
    does ``ulimit -v``.
    """
    import psutil

    left = [psutil.virtual_memory().available]
    for folder in _control_groups("memory", cgroups, own):
        left += [found for files in _MEMORY_FILES if (found := _left_in(folder, files)) is not None]
    left += _left_of_address_space()
    return max(min(left), 0)


def _left_of_address_space() -> list[int]:
    import resource

    import psutil

    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit == resource.RLIM_INFINITY:
        return []
    return [limit - psutil.Process().memory_info().vms]


def _control_groups(controller: str, cgroups: Path, own: Path) -> list[Path]:
    """The folders of this process's control group and of those around it."""
    folders: list[Path] = []
    try:
        lines = own.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    for line in lines:
        _, controllers, name = [*line.split(":", 2), "", ""][:3]
        if controllers and controller not in controllers.split(","):
            continue
        top = cgroups / controller if controllers else cgroups
        place = top / name.lstrip("/")
        folders += [place, *(up for up in place.parents if up.is_relative_to(top))]
    return folders


def _left_in(folder: Path, files: tuple[str, str, str]) -> int | None:
    """Bytes below a control group's limit; None where it has none."""
    limit, used, cache = files
    try:
        most = int((folder / limit).read_text(encoding="ascii"))
        now = int((folder / used).read_text(encoding="ascii"))
        stat = (folder / "memory.stat").read_text(encoding="ascii").split()
    except (OSError, ValueError):  # not there, or "max"
        return None
    facts = dict(zip(stat[::2], stat[1::2], strict=False))
    return most - now + int(facts.get(cache, 0))


def _processor_facts() -> dict[str, str]:
    """What the kernel says of the first processor, keys in lower case."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return {}
    facts: dict[str, str] = {}
    for line in text.splitlines():
        key, _, value = line.partition(":")
        facts.setdefault(key.strip().lower(), value.strip())
    return facts


def processor_flags() -> frozenset[str]:
    """The processor's instruction sets as the kernel names them; empty where it does not say."""
    facts = _processor_facts()
    return frozenset(facts.get("flags", facts.get("features", "")).split())


def processor_name() -> str:
    """What the processor is called."""
    return _processor_facts().get("model name") or platform.processor() or platform.machine()


def keep_freed_memory() -> bool:
    """Let glibc keep freed memory for the next tensor; return whether that could be set.

    A training step frees and asks for the same hundreds of megabytes again and again. By default
    glibc returns large blocks to the kernel each time, which must then fill fresh pages with
    zeros: a tenth of a step. It is set for the whole process.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    # An older glibc allows no threshold above 32 MiB; then nothing is mapped.
    from_heap = mallopt(_M_MMAP_THRESHOLD, _FROM_HEAP_BYTES) == 1 or mallopt(_M_MMAP_MAX, 0) == 1
    kept = mallopt(_M_TRIM_THRESHOLD, _LARGEST_INT) == 1
    grows = mallopt(_M_TOP_PAD, _HEAP_STEP_BYTES) == 1
    return bool(from_heap and kept and grows)
