"""How many cores and how much memory this process may use, of those that its machine has.

A container has the limits of its control group, of which version 2 is read. Without a limit, and
where there are no such groups, it is all of the machine.
"""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

CGROUPS: Final = Path("/sys/fs/cgroup")
OWN_CGROUP: Final = Path("/proc/self/cgroup")
PROCESSES: Final = Path("/proc")
RESIDENT: Final = re.compile(r"^VmRSS:\s*([0-9]+) kB$", re.MULTILINE)


def usable_cores(cgroups: Path = CGROUPS, own: Path = OWN_CGROUP) -> int:
    """The cores of this process, at least one; a part of a core counts as one."""
    allowed = getattr(os, "sched_getaffinity", None)  # macOS has none
    cores = len(allowed(0)) if allowed else os.cpu_count() or 1
    quotas = (text.split() for text in _limits("cpu.max", cgroups, own))
    return max(1, min([cores, *(-(-int(quota) // int(period)) for quota, period in quotas)]))


def usable_memory(cgroups: Path = CGROUPS, own: Path = OWN_CGROUP) -> int:
    """The bytes of memory that this process and those it starts may have."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([machine, *map(int, _limits("memory.max", cgroups, own))])


def memory_of_children(processes: Path = PROCESSES) -> int:
    """The bytes that processes which this one has started have in memory, such as Spark's Java."""
    own = f"PPid:\t{os.getpid()}\n"
    total = 0
    for file in processes.glob("[0-9]*/status"):
        with suppress(OSError):  # it may have ended
            status = file.read_text(encoding="utf-8", errors="replace")
            resident = RESIDENT.search(status)
            if own in status and resident:
                total += int(resident[1]) * 1024
    return total


def _limits(name: str, cgroups: Path, own: Path) -> Iterator[str]:
    """What limits the control group of this process and those that it is in."""
    group = _own_group(own)
    for folder in (group, *group.parents):
        file = cgroups / folder.relative_to("/") / name
        if file.is_file() and not (text := file.read_text(encoding="ascii")).startswith("max"):
            yield text


def _own_group(own: Path) -> Path:
    """The group of version 2; its root, which is that of a container, where none is named."""
    lines = own.read_text(encoding="utf-8").splitlines() if own.is_file() else []
    named = [line.removeprefix("0::") for line in lines if line.startswith("0::/")]
    return Path(named[0] if named else "/")
