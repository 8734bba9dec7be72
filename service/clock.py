"""The instant of a request: from the process's clock, or in development from the request.

The wall clock of a machine can jump: somebody sets it, or one reading is wrong. The machine's
monotonic clock can't, but only knows how much time has passed. So the two are compared at each
request. While they advance alike, the wall clock is believed. When they differ, the database is
asked which of them is right, because its clock decides from when a row counts.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from features_pkg.calendar import to_us
from features_pkg.orders.fields.instant import is_within
from features_pkg.orders.limits import YEARS
from service import log
from service.errors import ClockHeaderRefused

CLOCK_HEADER: Final = "Ontem-Clock"
MOST_SKEW_US: Final = 1_000_000
"""How far ahead of the database's clock an order may be: the late rule refuses it beyond that."""

STEP_US: Final = 500_000
"""What the wall clock may gain or lose between two readings without having jumped."""


@dataclass(frozen=True, slots=True)
class MachineClocks:
    """The clocks of one machine, in microseconds."""

    wall_us: Callable[[], int]
    """Since 1970. It can jump."""
    monotonic_us: Callable[[], int]
    """Since some instant. It never jumps, and goes on while the machine sleeps."""


class RequestClock:
    """Epoch microseconds that never go back within a process, and do not follow a wrong jump.

    Only the clock of a process that has issued instants more than `MOST_SKEW_US` in the future goes
    back when the database says so: it has refused the orders of those instants.
    """

    def __init__(self, clocks: MachineClocks) -> None:
        self._clocks = clocks
        self._offset_us = clocks.wall_us() - clocks.monotonic_us()
        self._last_us = 0
        self._lock = threading.Lock()

    def now_us(self, database_us: Callable[[], int | None] = lambda: None) -> int:
        """The instant now, or the last one returned if the machine's clock went back a little.

        `database_us` asks the database, which happens only when the wall clock has jumped; None is
        no answer, and then the jump is not followed.
        """
        monotonic_us = self._clocks.monotonic_us()
        now_us = self._clocks.wall_us()
        if abs(now_us - monotonic_us - self._offset_us) <= STEP_US:
            self._offset_us = now_us - monotonic_us
        else:
            self._settle_jump(now_us - monotonic_us, database_us())
            now_us = self._clocks.monotonic_us() + self._offset_us
        with self._lock:
            self._last_us = max(self._last_us, now_us)
            return self._last_us

    def skew_us(self, database_us: Callable[[], int]) -> int:
        """By how much this clock is certainly ahead of the database's; negative is behind.

        The database is read between two readings of this clock, so a slow answer is no skew.
        """
        before_us = self.now_us(database_us)
        database_now_us = database_us()
        after_us = self.now_us(database_us)
        return max(before_us - database_now_us, 0) + min(after_us - database_now_us, 0)

    def _settle_jump(self, offset_us: int, database_us: int | None) -> None:
        """Take over the wall clock's jump if that brings us nearer to the database's clock."""
        if database_us is None:
            return
        monotonic_us = self._clocks.monotonic_us()
        with self._lock:
            error_us = abs(monotonic_us + self._offset_us - database_us)
            if abs(monotonic_us + offset_us - database_us) < error_us:
                log.info("clock jumped", seconds=round((offset_us - self._offset_us) / 1e6, 3))
                self._offset_us = offset_us
            if self._last_us > database_us + MOST_SKEW_US:
                self._last_us = 0


def from_header(text: str, *, development: bool) -> int:
    """The instant in a development clock header, as epoch microseconds.

    Raises ClockHeaderRefused when the stack is not a development one, or the text is not an
    instant with an offset, in the years that are taken.
    """
    if not development:
        raise ClockHeaderRefused(
            f"{CLOCK_HEADER} works on development stacks only: leave it out, "
            "and the service uses its own clock"
        )
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = datetime.min  # noqa: DTZ901  naive, so refused below
    if at.tzinfo is None or not is_within(to_us(at)):
        raise ClockHeaderRefused(
            f"{CLOCK_HEADER} must be an instant with its offset, from {YEARS[0]} to {YEARS[-1]}, "
            "such as 2018-06-01T12:00:00Z"
        )
    return to_us(at)
