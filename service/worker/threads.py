"""The threads that answer whole requests, and how many may wait for one."""

import queue
import threading
from collections import Counter
from collections.abc import Callable
from typing import Generic, TypeVar

Job = TypeVar("Job")


class Threads(Generic[Job]):
    """A fixed number of threads; only the loop gives them jobs and counts those that are done."""

    def __init__(
        self, name: str, *, threads: int, waiting: int, work: Callable[[Job], None]
    ) -> None:
        """`waiting` jobs at most wait for a thread; `work` never raises."""
        self._capacity = threads + waiting
        self._unfinished = 0
        self._of_party: Counter[int] = Counter()
        self._jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self._work = work
        for number in range(threads):
            # A daemon: a thread that hangs does not keep a worker that was told to stop.
            threading.Thread(target=self._run, name=f"{name}-{number}", daemon=True).start()

    @property
    def unfinished(self) -> int:
        """How many jobs wait for a thread or have one."""
        return self._unfinished

    def put(self, job: Job, *, party: int | None = None) -> bool:
        """Have a thread do the job, unless too many wait already.

        A party gets half of the room at most, so however much it sends, the rest is for others.
        """
        if self._unfinished >= self._capacity:
            return False
        if party is not None and self._of_party[party] >= (self._capacity + 1) // 2:
            return False
        self._unfinished += 1
        if party is not None:
            self._of_party[party] += 1
        self._jobs.put(job)
        return True

    def finished(self, *, party: int | None = None) -> None:
        """Count a job as done."""
        self._unfinished -= 1
        if party is not None:
            self._of_party[party] -= 1
            self._of_party += Counter()  # keeps those above 0 alone

    def _run(self) -> None:
        while True:
            self._work(self._jobs.get())
