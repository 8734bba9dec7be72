"""How fast a load is written: as fast as Redis answers, and no faster than requests can bear.

Redis does one thing at a time, so a request waits for the call of a load that it came after. The
calls are small, and when they take long, Redis or its machine is busy with others: then calls get
smaller, and the writer waits after each one for as long as it was too long.
"""

import time
from collections.abc import Callable
from typing import Final

MOST_BUCKETS: Final = 128
"""How many buckets one call reads or writes: some 0.4 ms of Redis' time."""
LEAST_BUCKETS: Final = 64
LONGEST_CALL: Final = 0.02
"""Seconds that a call may take, from sending it to having its answer, before it is too long."""
LONGEST_PAUSE: Final = 1.0


class Pace:
    """How many buckets the next call takes, by how long those before took."""

    def __init__(self, sleep: Callable[[float], object] = time.sleep) -> None:
        self._sleep = sleep
        self.buckets = MOST_BUCKETS

    def note(self, seconds: float) -> None:
        """A call took so long: wait if that was too long, and choose how large the next one is."""
        if seconds > LONGEST_CALL:
            self.buckets = max(self.buckets // 2, LEAST_BUCKETS)
            self._sleep(min(seconds - LONGEST_CALL, LONGEST_PAUSE))
        elif seconds < LONGEST_CALL / 2:
            self.buckets = min(self.buckets * 2, MOST_BUCKETS)
