"""What keeps the log from being in the way of requests: too many lines, or nowhere to put them."""

import os
import select
import threading
import time
from collections.abc import Callable
from typing import Final

_PIPE_WRITES_WHOLE: Final = 4_096
"""POSIX: so many bytes go into a pipe at once, or not at all."""


class RateLimit:
    """Lets so many lines of each event through in a second, for all threads of a process."""

    def __init__(self, per_second: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with nothing dropped; `clock` is monotonic seconds."""
        self._per_second, self._clock = per_second, clock
        self._lock = threading.Lock()
        self._events: dict[str, list[int]] = {}
        """Of each event: the second, how many were let through in it, how many dropped since."""

    def admit(self, event: str) -> int | None:
        """How many of this event were dropped before this one; None if this one is, too."""
        second = int(self._clock())
        with self._lock:
            state = self._events.setdefault(event, [second, 0, 0])
            if state[0] != second:
                state[0], state[1] = second, 0
            if state[1] >= self._per_second:
                state[2] += 1
                return None
            state[1] += 1
            dropped, state[2] = state[2], 0
            return dropped


class Lines:
    """Writes lines to a file or a pipe, each at once, so that lines of several processes don't mix.

    A line that can't be written is lost: nobody waits for a reader, and a full disk is no error.
    """

    def __init__(self, descriptor: int) -> None:
        """Write to an open file, which stays the caller's."""
        self._descriptor = descriptor
        self._is_torn = False
        """Whether the end of the line before is missing."""

    def write(self, line: bytes) -> bool:
        """Whether the line, which ends with a line break, was written whole."""
        if self._is_torn:
            line = b"\n" + line
        if len(line) > _PIPE_WRITES_WHOLE:
            line = line[: _PIPE_WRITES_WHOLE - 1] + b"\n"
        try:
            if not self._is_ready():
                return False
            written = os.write(self._descriptor, line)
        except OSError:
            return False
        self._is_torn = written < len(line)
        return not self._is_torn

    def _is_ready(self) -> bool:
        """Whether a write would not wait. A poll object is for one thread, so each call has one."""
        poll = select.poll()
        poll.register(self._descriptor, select.POLLOUT)
        ready = poll.poll(0)
        return bool(ready) and bool(ready[0][1] & select.POLLOUT)
