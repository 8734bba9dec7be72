"""The most memory that a process had."""

import os
from pathlib import Path


def peak_memory(pid: int | None = None) -> int:
    """Bytes, by the kernel's account of a process, this one by default.

    `getrusage` has that of the program which started it, too. Raises OSError and ValueError for a
    process that has ended.
    """
    status = Path(f"/proc/{pid or os.getpid()}/status").read_text(encoding="utf-8").splitlines()
    (line,) = (each for each in status if each.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024
