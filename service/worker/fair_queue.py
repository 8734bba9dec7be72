"""Jobs that wait for a thread, of parties that take turns."""

import queue
import threading
from collections import deque
from collections.abc import Mapping
from math import inf
from typing import Generic, TypeVar

from service.worker.gate import Party

Job = TypeVar("Job")


class FairQueue(Generic[Job]):
    """A queue for any number of threads; it counts nobody, see `Threads`.

    The jobs of a party stay in their order, and each party has one taken before any has another
    one. So who sends much waits behind its own, and the others wait for one job of it at most.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of_party: dict[Party, deque[tuple[float, Job]]] = {}
        """Never an empty one; in the order in which they have their turns."""
        self._waiting: queue.SimpleQueue[None] = queue.SimpleQueue()
        """As many as there are jobs."""

    def put(self, job: Job, party: Party, put_at: float) -> None:
        """Add a job to the end of what its party has."""
        with self._lock:
            self._of_party.setdefault(party, deque()).append((put_at, job))
        self._waiting.put(None)

    def put_in_place(
        self, job: Job, party: Party, put_at: float, shares: Mapping[Party, int]
    ) -> tuple[Job, Party]:
        """Add a job, and give back the newest one of the party with the largest of these shares.

        If no share of those who have jobs here is larger than its own, it is given back itself.
        """
        with self._lock:
            largest = max((party, *self._of_party), key=shares.__getitem__)
            if largest == party:
                return job, party
            jobs = self._of_party[largest]
            _, given_back = jobs.pop()
            if not jobs:
                del self._of_party[largest]
            self._of_party.setdefault(party, deque()).append((put_at, job))
        return given_back, largest

    def get(self) -> Job:
        """Take the next job; wait until there is one."""
        self._waiting.get()
        with self._lock:
            party = next(iter(self._of_party))
            jobs = self._of_party.pop(party)
            _, job = jobs.popleft()
            if jobs:
                self._of_party[party] = jobs
        return job

    @property
    def waiting(self) -> int:
        """How many jobs no thread has taken yet; fewer than are unfinished, and sooner known."""
        return self._waiting.qsize()

    def oldest_at(self) -> float:
        """When the job that waits longest was put; infinite if none waits."""
        with self._lock:
            return min((jobs[0][0] for jobs in self._of_party.values()), default=inf)
