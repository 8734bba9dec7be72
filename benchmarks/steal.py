"""Processor time that other tenants of the machine took: a run that lost much is repeated.

Not every hypervisor says what it takes. So a loop that does nothing else is timed as well: where it
stalls, the slowest answers of a service are the machine's.
"""

import statistics
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.size import is_rehearsal, repetitions

MOST_STOLEN = 0.02
TRIES = repetitions(3)
LOOP_SECONDS = 5.0 if not is_rehearsal() else 0.1


def cpu_ticks() -> tuple[int, int]:
    """The stolen ticks and all ticks of all processors since boot, from /proc/stat."""
    fields = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0].split()[1:]
    ticks = [int(field) for field in fields]
    return ticks[7], sum(ticks[:8])


def undisturbed(measure: Callable[[], list[str]]) -> list[str]:
    """The lines of the first run that lost at most 2 % of its time, or of the last one."""
    median, slowest = loop_milliseconds(LOOP_SECONDS)
    for attempt in range(1, TRIES + 1):
        stolen, total = cpu_ticks()
        lines = measure()
        stolen_after, total_after = cpu_ticks()
        share = (stolen_after - stolen) / max(total_after - total, 1)
        if share <= MOST_STOLEN:
            break
        print(
            f"run {attempt} lost {share:.1%} of the processors' time to other tenants", flush=True
        )
    return [
        *lines,
        "",
        (
            f"Other tenants took {share:.1%} of the processors' time meanwhile (run {attempt}). A "
            f"loop that had the machine to itself before took {median:.1f} ms each time, and "
            f"{slowest:.1f} ms one time in a hundred."
        ),
    ]


def loop_milliseconds(seconds: float) -> tuple[float, float]:
    """The median and the 99th percentile of equal work of some milliseconds, done for so long."""
    times: list[float] = []
    ended = time.monotonic() + seconds
    while len(times) < 2 or time.monotonic() < ended:
        began = time.perf_counter()
        {number * 7_919 % 5_003: number for number in range(12_000)}
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times), statistics.quantiles(times, n=100)[98]
