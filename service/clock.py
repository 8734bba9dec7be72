"""The instant of a request: from the process's clock, or in development from the request."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from features_pkg.calendar import to_us
from service.errors import ClockHeaderRefused

CLOCK_HEADER: Final = "Ontem-Clock"


class SteadyClock:
    """Epoch microseconds that never go back within a process, even if the machine's clock does."""

    def __init__(self, now_us: Callable[[], int]) -> None:
        self._now_us = now_us
        self._last_us = 0
        self._lock = threading.Lock()

    def now_us(self) -> int:
        """The instant now, or the last one returned if the machine's clock went back."""
        with self._lock:
            self._last_us = max(self._last_us, self._now_us())
            return self._last_us


def from_header(text: str, *, development: bool) -> int:
    """The instant in a development clock header, as epoch microseconds.

    Raises ClockHeaderRefused when the stack is not a development one, or the text is not an
    instant with an offset.
    """
    if not development:
        raise ClockHeaderRefused(
            f"{CLOCK_HEADER} works on development stacks only: leave it out, "
            "and the service uses its own clock"
        )
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is not None:
            return to_us(at.astimezone(UTC))
    except (ValueError, OverflowError):
        pass
    raise ClockHeaderRefused(
        f"{CLOCK_HEADER} must be an instant with its offset, such as 2018-06-01T12:00:00Z"
    )
