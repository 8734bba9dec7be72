"""The instant of a request: from the process's clock, or in development from the request."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from features_pkg.calendar import to_us
from service.errors import ClockRefused

CLOCK_HEADER: Final = "Ontem-Clock"


class SteadyClock:
    """Epoch microseconds that never go back within a process, whatever its machine's clock does."""

    def __init__(self, now_us: Callable[[], int]) -> None:
        self._now_us = now_us
        self._last_us = 0
        self._lock = threading.Lock()

    def now_us(self) -> int:
        """The instant now, or the last one told when the machine's clock went back."""
        with self._lock:
            self._last_us = max(self._last_us, self._now_us())
            return self._last_us


def from_header(text: str, *, development: bool) -> int:
    """The instant that a development clock header states, as epoch microseconds.

    Raises ClockRefused when it is no aware instant, or the stack is not a development one.
    """
    if not development:
        raise ClockRefused(
            f"{CLOCK_HEADER} is for development stacks: leave it out, the service has a clock"
        )
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is not None:
            return to_us(at.astimezone(UTC))
    except (ValueError, OverflowError):
        pass
    raise ClockRefused(
        f"{CLOCK_HEADER} must be an instant with its offset, such as 2018-06-01T12:00:00Z"
    )
