"""Processor time that other tenants of the machine took: a run that lost much is repeated."""

from collections.abc import Callable
from pathlib import Path

from benchmarks.size import repetitions

MOST_STOLEN = 0.02
TRIES = repetitions(3)


def cpu_ticks() -> tuple[int, int]:
    """The stolen ticks and all ticks of all processors since boot, from /proc/stat."""
    fields = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0].split()[1:]
    ticks = [int(field) for field in fields]
    return ticks[7], sum(ticks[:8])


def undisturbed(measure: Callable[[], list[str]]) -> list[str]:
    """The lines of the first run that lost at most 2 % of its time, or of the last one."""
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
        f"Other tenants took {share:.1%} of the processors' time meanwhile (run {attempt}).",
    ]
