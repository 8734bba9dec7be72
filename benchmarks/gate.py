"""`make gate`: whether `POST /evaluate` became slower, as a ratio to a bare echo of the same run.

The kept ratio is in benchmarks/gate.toml; `make gate ARGS=--keep` writes the one of now there.
docs/adr/0043-bench.md says what a slip means, and why nothing waits for the disk.
"""

import itertools
import os
import statistics
import sys
import time
import tomllib
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

ORDERS: Final = 100_000
KEPT: Final = Path(__file__).with_name("gate.toml")
SLIPPED_BY: Final = 4 / 3
"""How many times the kept ratio is too slow."""
RUNS: Final = 3
MOST_FOREIGN: Final = 0.1
"""The share of the processors that others may take, before a run says nothing."""
IDLE_SECONDS: Final = 2.0
WARM_UP, ROUNDS, PER_ROUND = 200, 8, 100

OK, SLIPPED, NOT_MEASURED = 0, 1, 75
"""The exit codes; 75 is EX_TEMPFAIL, and fails nothing."""


@dataclass(frozen=True, slots=True)
class Run:
    """One measurement: how many times the echo's median the service's was."""

    ratio: float
    foreign: float
    """The share of the processors that others took: before, after, or as stolen time meanwhile."""

    @property
    def counts(self) -> bool:
        """Whether the machine was calm enough."""
        return self.foreign <= MOST_FOREIGN


def verdict(kept: float, runs: Iterable[Run], tell: Callable[[str], None]) -> int:
    """The exit code: OK with the first run that is fast enough, SLIPPED if none of RUNS was.

    Runs that do not count are no evidence: with one of them and no fast one it is NOT_MEASURED.
    """
    slipped = 0
    for number, run in enumerate(itertools.islice(runs, RUNS), 1):
        told = f"run {number}: {run.ratio:.2f} times the echo, {kept:.2f} are kept"
        if not run.counts:
            tell(f"{told}; others took {run.foreign:.0%} of the processors, so it does not count")
        elif run.ratio <= kept * SLIPPED_BY:
            tell(f"{told}: as fast as it was")
            return OK
        else:
            tell(f"{told}: slower by more than a third")
            slipped += 1
    if slipped == RUNS:
        tell("`POST /evaluate` has slipped: make it faster, or keep the new figure with a reason")
        return SLIPPED
    tell("not measured: the machine was not calm")
    return NOT_MEASURED


def measured() -> Generator[Run, None, None]:
    """Measurements on a stack of ORDERS orders, each beside an echo.

    The stack waits for no disk: an echo has none, so the ratio would be of the machine.
    """
    os.environ["ONTEM_BENCH_ORDERS"] = str(ORDERS)  # before benchmarks.size reads it
    from benchmarks.load import Target, clients
    from benchmarks.server import SERVE, SERVE_ECHO, process
    from benchmarks.streams import bodies_of
    from benchmarks.warm_stack import warm_stack

    stack = warm_stack(durable=False)
    bodies = bodies_of(stack)
    with (
        process(stack, SERVE_ECHO) as echo_port,
        process(stack, SERVE) as port,
        clients(1) as client,
    ):
        sides = (Target(echo_port, stack.key), Target(port, stack.key))
        for side in sides:
            client.closed_loop(side, list(itertools.islice(bodies, WARM_UP)))
        while True:
            before, stolen = busy_share(IDLE_SECONDS), StolenShare()
            times: tuple[list[float], list[float]] = ([], [])
            for _ in range(ROUNDS):
                sent = list(itertools.islice(bodies, PER_ROUND))
                for side, took in zip(sides, times, strict=True):
                    took += client.closed_loop(side, sent).milliseconds
            echo, service = map(statistics.median, times)
            foreign = max(before, stolen.now(), busy_share(IDLE_SECONDS))
            yield Run(service / echo, foreign)


def busy_share(seconds: float) -> float:
    """The share of all processors that is used while this program waits."""
    idle, total = _ticks("idle")
    time.sleep(seconds)
    idle_after, total_after = _ticks("idle")
    return 1 - (idle_after - idle) / max(total_after - total, 1)


class StolenShare:
    """The share of all processors' time that other tenants of the machine take from now on."""

    def __init__(self) -> None:
        self._begun = _ticks("stolen")

    def now(self) -> float:
        """The share since this was made."""
        stolen, total = _ticks("stolen")
        return (stolen - self._begun[0]) / max(total - self._begun[1], 1)


def _ticks(kind: Literal["idle", "stolen"]) -> tuple[int, int]:
    """Those ticks and all ticks of all processors since boot, from /proc/stat."""
    fields = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0].split()[1:]
    ticks = [int(field) for field in fields]
    return {"idle": ticks[3] + ticks[4], "stolen": ticks[7]}[kind], sum(ticks[:8])


def main(words: list[str]) -> int:
    """Measure and compare, or keep what is measured; the exit code."""
    if words not in ([], ["--keep"]):
        print("usage: make gate, or make gate ARGS=--keep", file=sys.stderr)
        return 2
    with closing(measured()) as runs:  # ends the servers and the client of the last run
        if words:
            return keep([run for run in itertools.islice(runs, RUNS) if run.counts])
        kept = tomllib.loads(KEPT.read_text(encoding="utf-8"))["ratio"]
        return verdict(kept, runs, lambda line: print(line, flush=True))


def keep(runs: Sequence[Run]) -> int:
    """Keep the median ratio of the runs that count; the exit code."""
    if not runs:
        print("not measured: the machine was not calm, so the kept figure stays")
        return NOT_MEASURED
    ratio = statistics.median(run.ratio for run in runs)
    KEPT.write_text(kept_file(ratio), encoding="utf-8")
    print(f"kept {ratio:.2f} in {KEPT.name}")
    return OK


def kept_file(ratio: float) -> str:
    """The content of the file that keeps a ratio."""
    return (
        "# The median of `POST /evaluate` by that of a bare echo, at "
        f"{ORDERS:,} orders: written by `make gate ARGS=--keep`.\n"
        f"ratio = {ratio:.2f}\n"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
