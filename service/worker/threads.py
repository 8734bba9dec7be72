"""The threads that answer whole requests, and how many may wait for one."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from math import inf
from typing import Final, Generic, TypeVar

from service.worker.fair_queue import FairQueue
from service.worker.gate import Party

Job = TypeVar("Job")

PROMPT_SHARE: Final = 1 / 6
MOST_WAIT_SHARE: Final = 1 / 3
"""Shares of its time that a job waits for a thread: when all is well, and at most when not."""


class Threads(Generic[Job]):
    """A fixed number of threads; only the loop gives them jobs and counts those that are done."""

    def __init__(
        self,
        name: str,
        *,
        threads: int,
        waiting: int,
        work: Callable[[Job], None],
        time_limit: float = inf,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`waiting` jobs at most wait for a thread; `work` never raises.

        `time_limit` is the seconds in which a job is to be done, `clock` is monotonic.
        """
        self._threads, self._most_waiting = threads, waiting
        self._time_limit, self._clock = time_limit, clock
        self._slow_since = inf
        """Since when a job always waited that had not been taken promptly."""
        self._unfinished = 0
        self._of_party: Counter[Party] = Counter()
        """The unfinished jobs of each."""
        self._jobs = FairQueue[Job]()
        self._work = work
        for number in range(threads):
            # A daemon: a thread that hangs does not keep a worker that was told to stop.
            threading.Thread(target=self._run, name=f"{name}-{number}", daemon=True).start()

    @property
    def unfinished(self) -> int:
        """How many jobs wait for a thread or have one."""
        return self._unfinished

    def put(self, job: Job, party: Party = None) -> Job | None:
        """Have a thread do the job; give back the one that there is no room for, if there is one.

        The parties take turns, see `FairQueue`. When all of the room is taken, the newest job of
        the party that has most of it makes room for one of a party that has less.
        """
        are_busy = self._unfinished >= self._threads + self._most_waiting
        is_full = are_busy and self._jobs.waiting >= self._most_waiting
        self._unfinished += 1
        self._of_party[party] += 1
        if not is_full:
            self._jobs.put(job, party, self._clock())
            return None
        given_back, whose = self._jobs.put_in_place(job, party, self._clock(), self._of_party)
        self.finished(whose)
        return given_back

    def finished(self, party: Party = None) -> None:
        """Count a job of the party as done."""
        self._unfinished -= 1
        self._of_party[party] -= 1
        if not self._of_party[party]:
            del self._of_party[party]
        if self._unfinished <= self._threads:
            self._slow_since = inf

    def is_too_late(self, put_at: float) -> bool:
        """Whether a thread that takes a job now had better refuse it.

        After a stall all who wait are served: most are in time, and the queue empties. But if the
        job that waits longest was never prompt for as long as one may take, more come than can be
        done. All of them would then have just too little time left, and what is done too late is
        done for nothing; so who waited for too much of it makes room for those who did not.

        The rule is that of CoDel (RFC 8289) with the time limit as its interval. It looks at the
        longest wait, because a party that sends little is prompt whatever the others wait.
        """
        now = self._clock()
        waited = now - put_at
        longest = now - min(put_at, self._jobs.oldest_at())
        if longest <= self._time_limit * PROMPT_SHARE:
            self._slow_since = inf
        elif self._slow_since == inf:
            self._slow_since = now
        is_overloaded = now - self._slow_since > self._time_limit
        return is_overloaded and waited > self._time_limit * MOST_WAIT_SHARE

    def _run(self) -> None:
        while True:
            self._work(self._jobs.get())
