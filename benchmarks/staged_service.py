"""The service with a stopwatch: `python -m benchmarks.staged_service serve ...`, as `ontem serve`.

It differs in one thing: at its end it writes to the file ONTEM_BENCH_STAGES what each request took
after the first WARM_UP, stage by stage, of the processor and by the clock.
"""

import os
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from benchmarks.size import repetitions
from ontem.cli import main
from service import server
from service.metrics import metering
from service.worker.worker import LoopWorker

FILE: Final = "ONTEM_BENCH_STAGES"
WARM_UP: Final = repetitions(200)
"""Requests of which nothing is kept."""
THREAD: Final = "thread"
"""All that the thread of a request does."""


class Times(msgspec.Struct, frozen=True):
    """The seconds of all that was kept."""

    processor: dict[str, list[float]]
    """By stage, one of each request."""
    clock: dict[str, list[float]]
    loop: float
    """Of the processor, for all requests together."""


class _Stopwatch:
    """What the threads of the one process have measured."""

    def __init__(self) -> None:
        self._processor: dict[str, list[float]] = defaultdict(list)
        self._clock: dict[str, list[float]] = defaultdict(list)
        self._lock = threading.Lock()
        self._requests, self._loop = 0, 0.0

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measures what is done inside."""
        began, began_at = time.thread_time(), time.perf_counter()
        try:
            yield
        finally:
            processor, clock = time.thread_time() - began, time.perf_counter() - began_at
            self._keep(name, processor, clock)

    def _keep(self, name: str, processor: float, clock: float) -> None:
        with self._lock:
            if self._requests >= WARM_UP:
                self._processor[name].append(processor)
                self._clock[name].append(clock)
            self._requests += name == THREAD

    def turned(self, seconds: float) -> None:
        """Count what a turn of the loop took of the processor."""
        if self._requests >= WARM_UP:
            self._loop += seconds

    def write(self) -> None:
        """Write what was kept."""
        times = Times(self._processor, self._clock, self._loop)
        Path(os.environ[FILE]).write_bytes(msgspec.json.encode(times))


_stopwatch: Final = _Stopwatch()


class StagedWorker(LoopWorker):
    """The service's worker, measured."""

    def run(self) -> None:
        """Serve, and write what was measured."""
        super().run()
        _stopwatch.write()

    def _turn(self, seconds: float) -> None:
        began = time.thread_time()
        super()._turn(seconds)
        _stopwatch.turned(time.thread_time() - began)

    def _work(self, connection: Any) -> None:
        with _stopwatch.stage(THREAD):
            super()._work(connection)


if __name__ == "__main__":
    vars(metering)["stage"] = _stopwatch.stage
    vars(server)["LoopWorker"] = StagedWorker
    main()
