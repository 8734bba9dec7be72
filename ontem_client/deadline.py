"""How long one call may take, from its first name look-up to the last byte of its answer."""

import time
from typing import Final

LONGEST_SECONDS: Final = 86_400
"""Sockets can't be given more than some days."""


class Deadline:
    """An instant of the monotonic clock, which nobody can set."""

    __slots__ = ("_ends",)

    def __init__(self, seconds: float) -> None:
        if not (isinstance(seconds, int | float) and 0 < seconds <= LONGEST_SECONDS):
            raise ValueError(
                f"a deadline must be a number of seconds above 0, at most {LONGEST_SECONDS}"
            )
        self._ends = time.monotonic() + seconds

    def left(self) -> float:
        """The seconds that are left, always more than 0. Raises TimeoutError."""
        seconds = self._ends - time.monotonic()
        if seconds <= 0:
            raise TimeoutError
        return seconds

    def allows(self, pause: float) -> bool:
        """Whether something is left after a pause of so many seconds."""
        return time.monotonic() + pause < self._ends
