"""How fast a load is written: as fast as Redis answers, and no faster than requests can bear.

Redis does one thing at a time, so a request waits for the call of a load that it came after. The
calls are small, and when answers take long, Redis or its machine is busy with others: then calls
get smaller, and the writer pauses after each one for as long as it was too long.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

MOST_BUCKETS: Final = 128
"""How many buckets one call reads or writes: some 0.4 ms of Redis' time."""
LEAST_BUCKETS: Final = 64
LONGEST_CALL: Final = 0.02
"""Seconds that a call may wait for answers before it is too long."""
LONGEST_PAUSE: Final = 1.0
SCHEDULED: Final = Path("/proc/thread-self/schedstat")
"""Linux's account of this thread: its nanoseconds on a processor, then those in line for one."""


def waiting_clock() -> float:
    """A clock that goes on only while this thread waits for others, such as Redis.

    It stands still while the thread runs, and while it could run and has no processor: a writer
    that is itself too slow does not take that for a slow Redis.
    """
    return time.monotonic() - time.thread_time() - seconds_in_line()


def seconds_in_line(account: Path = SCHEDULED) -> float:
    """How long this thread could have run and had no processor; 0 where nobody keeps an account."""
    try:
        return int(account.read_bytes().split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return 0.0


class Pace:
    """How many buckets the next call takes, by how long those before waited."""

    def __init__(
        self,
        sleep: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = waiting_clock,
    ) -> None:
        self._sleep, self._clock = sleep, clock
        self.buckets = MOST_BUCKETS

    @contextmanager
    def call(self) -> Iterator[None]:
        """A call: pause if it waited too long, and choose how large the next one is."""
        start = self._clock()
        yield
        seconds = self._clock() - start
        if seconds > LONGEST_CALL:
            self.buckets = max(self.buckets // 2, LEAST_BUCKETS)
            self._sleep(min(seconds - LONGEST_CALL, LONGEST_PAUSE))
        elif seconds < LONGEST_CALL / 2:
            self.buckets = min(self.buckets * 2, MOST_BUCKETS)
