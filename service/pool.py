"""Connections to one store that are ready before a request needs them."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, NamedTuple, TypeVar

from service import log
from service.deadline import Deadline

Kept = TypeVar("Kept")

FIRST_PAUSE_SECONDS: Final = 0.05
LONGEST_PAUSE_SECONDS: Final = 1.0
"""How long the pool waits between two attempts to connect: at first, and at most."""
FINISH_SECONDS: Final = 0.2
"""How long an answer may be awaited that came too late for whoever asked."""
FINISH_PAUSE_SECONDS: Final = 0.005
LONG_ATTEMPT_SECONDS: Final = 1.0
"""How old an attempt to connect is that nobody waits for any more."""


class NoneReady(Exception):
    """No connection was ready; `reason` is the name of a failure, never data."""

    def __init__(self, reason: str, *, was_awaited: bool = False) -> None:
        """`was_awaited` says that the whole time was spent on it."""
        super().__init__(reason)
        self.reason, self.was_awaited = reason, was_awaited


class PoolSizes(NamedTuple):
    """How many connections a pool has."""

    ready: int
    taken: int
    """With those whose last answer is still to come."""
    wanted: int
    """As many as there are when all is well."""


@dataclass(frozen=True, slots=True)
class Maker(Generic[Kept]):
    """How connections to a store are made and closed; `make` may raise anything."""

    store: str
    """The name of the store, for the log."""
    make: Callable[[], Kept]
    """Connects, configures and checks; called in the pool's own thread, within bounded time."""
    close: Callable[[Kept], None]
    """Closes without waiting for the store."""
    is_usable: Callable[[Kept], bool]
    """Whether a connection that nobody uses may be taken: it has not ended meanwhile."""
    finish: Callable[[Kept], bool] = lambda _: False
    """Drops what is there of an answer that nobody takes; whether that was all of it. It never
    waits, and raises anything if the connection is of no more use."""


class Pool(Generic[Kept]):
    """Keeps `size` connections for the threads of a process.

    Its thread starts with the first `start` or `take`, so after a fork. What is taken is given back
    or dropped. What was dropped the thread makes anew, and tries again until the store is back.
    What still has an answer to come, which nobody waits for, is kept for FINISH_SECONDS: after a
    stall all connections would have to be made anew else, which takes longer than most stalls.
    """

    def __init__(
        self, maker: Maker[Kept], size: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._maker, self._size, self._clock = maker, size, clock
        lock = threading.Lock()
        self._changed = threading.Condition(lock)
        """What requests wait for, and `settle`."""
        self._room = threading.Condition(lock)
        """What the pool's own thread waits for: no request that gives back wakes it."""
        self._ready: list[Kept] = []
        self._unfinished: dict[Kept, float] = {}
        """Those that have an answer to come, and until when that is awaited."""
        self._alive = 0
        """Those that are ready, that are taken, and that are unfinished."""
        self._failure = ""
        """Why the last attempt to connect failed; empty after one that did not."""
        self._attempt_began_at: float | None = None
        self._thread: threading.Thread | None = None
        self._is_closed = False

    @property
    def sizes(self) -> PoolSizes:
        """The connections now."""
        with self._changed:
            ready = len(self._ready)
            return PoolSizes(ready, self._alive - ready, self._size)

    def start(self) -> None:
        """Begin to make connections; again, nothing happens."""
        with self._changed:
            if self._thread is None and not self._is_closed:
                name = f"{self._maker.store} connections"
                self._thread = threading.Thread(target=self._keep_full, name=name, daemon=True)
                self._thread.start()

    def settle(self, give_up: float) -> None:
        """Wait until all connections are there, or can't be made; at the latest until then."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._alive == self._size or self._failure or self._is_closed,
                max(0.0, give_up - time.monotonic()),
            )

    def take(self, deadline: Deadline) -> Kept:
        """A connection that is ready, or that gets ready before the deadline.

        While the store can't be connected to, or takes long to, nobody waits. Raises NoneReady.
        """
        if self._thread is None:
            self.start()
        with self._changed:
            while True:
                self._finish_all()
                while self._ready:
                    kept = self._ready.pop()  # the last one used, which is the least likely to end
                    if self._maker.is_usable(kept):
                        return kept
                    self._forget(kept)
                if self._is_closed or self._failure or self._takes_long():
                    raise NoneReady(self._why_none())
                left = deadline.left()
                if not left:
                    raise NoneReady("none in time", was_awaited=True)
                self._changed.wait(min(left, FINISH_PAUSE_SECONDS) if self._unfinished else left)

    def give_back(self, kept: Kept) -> None:
        """Let others take a connection of which no answer is outstanding."""
        with self._changed:
            if self._is_closed:
                self._forget(kept)
            else:
                self._ready.append(kept)
                self._changed.notify_all()

    def drop(self, kept: Kept) -> None:
        """Close a connection that was taken; another one is made in its place."""
        with self._changed:
            self._forget(kept)

    def let_finish(self, kept: Kept) -> None:
        """Let others take a connection that was taken as soon as its last answer is there."""
        with self._changed:
            if self._is_closed:
                self._forget(kept)
            else:
                self._unfinished[kept] = self._clock() + FINISH_SECONDS
                self._room.notify_all()

    def renew(self) -> None:
        """Drop all connections that nobody uses: the store has failed, and they may have, too."""
        with self._changed:
            self._forget_unused()

    def close(self) -> None:
        """Close all connections: those that are taken when they are given back."""
        with self._changed:
            self._is_closed = True
            self._forget_unused()
            self._changed.notify_all()
            self._room.notify_all()

    def _forget_unused(self) -> None:
        while self._ready:
            self._forget(self._ready.pop())
        while self._unfinished:
            self._forget(self._unfinished.popitem()[0])

    def _forget(self, kept: Kept) -> None:
        self._alive -= 1
        self._maker.close(kept)
        self._room.notify_all()

    def _why_none(self) -> str:
        if self._is_closed:
            return "closed"
        return self._failure or "connecting takes long"

    def _takes_long(self) -> bool:
        began_at = self._attempt_began_at
        return began_at is not None and self._clock() > began_at + LONG_ATTEMPT_SECONDS

    def _keep_full(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while self._has_room():
            self._attempt_began_at = self._clock()
            try:
                kept = self._maker.make()
            except Exception as error:  # noqa: BLE001  whatever it is, the next attempt may succeed
                self._note_failure(type(error).__name__)
                with self._room:
                    self._room.wait_for(lambda: self._is_closed, pause)
                    self._finish_all()
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
            else:
                self._add(kept)
                pause = FIRST_PAUSE_SECONDS

    def _has_room(self) -> bool:
        """Whether a connection is to be made; returns when one is, or when the pool is closed."""
        with self._room:
            while not self._is_closed and self._alive >= self._size:
                self._room.wait(FINISH_PAUSE_SECONDS if self._unfinished else None)
                self._finish_all()
            return not self._is_closed

    def _finish_all(self) -> None:
        """Look at all whose last answers are to come: who waits does, and the pool's own thread.

        That one alone would not while it connects, which may take long.
        """
        for kept in list(self._unfinished):
            self._finish(kept)

    def _finish(self, kept: Kept) -> None:
        """Look whether the last answer of a connection is there, or should have been."""
        is_late = self._clock() > self._unfinished[kept]
        try:
            is_finished = self._maker.finish(kept)
        except Exception:  # noqa: BLE001  whatever it is, another one is made in its place
            is_finished, is_late = False, True
        if is_finished or is_late:
            del self._unfinished[kept]
        if is_finished:
            self._ready.append(kept)
            self._changed.notify_all()
        elif is_late:
            self._forget(kept)

    def _add(self, kept: Kept) -> None:
        with self._changed:
            was_failing, self._failure = bool(self._failure), ""
            self._attempt_began_at = None
            self._alive += 1
            if self._is_closed:
                self._forget(kept)
            else:
                self._ready.append(kept)
            self._changed.notify_all()
        if was_failing:
            log.info("store reached again", store=self._maker.store)

    def _note_failure(self, reason: str) -> None:
        with self._changed:
            is_new, self._failure = reason != self._failure, reason
            self._attempt_began_at = None
            self._changed.notify_all()
        if is_new and not self._is_closed:
            log.error("store not reached", store=self._maker.store, reason=reason)
