"""What processes cost: processor time and memory, from Linux's ``/proc``."""

import os
import re
import resource
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_MIB = 1024.0

CPUS = len(os.sched_getaffinity(0))
"""Processors that this process may use."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory of processes, MiB.

    Attributes
    ----------
    rss
        Resident set size: what is in memory, shared pages counted for each process.
    pss
        Proportional set size: shared pages divided among those who share them.
    """

    rss: float
    pss: float


def cpu_seconds(pids: Iterable[int]) -> float:
    """Processor time that processes have taken so far; those that have ended count as nothing."""
    total = 0.0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        total += (int(fields[11]) + int(fields[12])) * _TICK_S  # utime and stime: proc(5)
    return total


def own_cpu_seconds() -> float:
    """Processor time of this process and of its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def children_cpu_seconds() -> float:
    """Processor time of those children of this process that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def machine_cpu_seconds() -> float:
    """Processor time that the whole machine has spent so far, waiting for disks left out."""
    user, nice, system, _idle, _iowait, irq, softirq = (
        int(field) for field in Path("/proc/stat").read_text().split()[1:8]
    )
    return (user + nice + system + irq + softirq) * _TICK_S


def memory(pid: int) -> Memory | None:
    """Memory of a process; ``None`` if it has ended."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return None
    sizes = {name: int(size) / _MIB for name, size in re.findall(r"^(Rss|Pss):\s+(\d+) kB", text, re.MULTILINE)}
    return Memory(sizes["Rss"], sizes["Pss"]) if sizes else None


def peak_mib(pids: Iterable[int]) -> float:
    """Largest resident set size that each process has had, added up, MiB; what processes share counts for each."""
    total = 0.0
    for pid in pids:
        try:
            text = Path(f"/proc/{pid}/status").read_text()
        except OSError:
            continue
        found = re.search(r"^VmHWM:\s+(\d+) kB", text, re.MULTILINE)
        total += int(found[1]) / _MIB if found else 0.0
    return total
