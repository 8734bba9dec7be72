"""The time that a velocity looks at: how long, and how many days before the due day it ends.

What windows mean is docs/semantics.md section 2.2, how they are written section 11.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from features_pkg.errors import DefinitionError

UNITS_US = {"s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}
SINCE_CUTOFF = "since_cutoff"
EVER = "ever"
LONGEST_DISTANT_DAYS = 90
"""Timelines list so many days: another number is another `TIMELINES_LAYOUT`."""
LONGEST_SERVED_RECENT_US = 24 * UNITS_US["h"]

_DELAY = "_delay_"
_NUMBER = "[1-9][0-9]{0,8}"
_LENGTH = re.compile(rf"{_NUMBER}[smhd]|{SINCE_CUTOFF}|{EVER}")
_DAYS = re.compile(rf"{_NUMBER}d")
WINDOW_IN_NAMES = rf"(?:{SINCE_CUTOFF}|[^_]+)(?:{_DELAY}[^_]+)?"
"""The pattern of a window's text, right or wrong, within a feature's name."""


@dataclass(frozen=True, slots=True)
class Window:
    """How far back: a number of `s m h d`, `since_cutoff` or `ever`. `24h` and `1d` stay apart.

    A window of days, or `ever`, may end some days before the due day:

    >>> window = Window("30d_delay_7d")
    >>> window.days, window.delay_days
    (30, 7)
    """

    text: str

    def __post_init__(self) -> None:
        reason = _reason(self.text)
        if reason:
            raise DefinitionError(f"window {self.text!r}", reason)

    @property
    def is_since_cutoff(self) -> bool:
        """Whether it begins where the distant past ends, so that its length varies."""
        return self.text == SINCE_CUTOFF

    @property
    def is_ever(self) -> bool:
        """Whether it has no beginning."""
        return self._length == EVER

    @property
    def span_us(self) -> int | None:
        """Its elapsed length, a day being 86,400 s; None where the length varies."""
        if self.is_since_cutoff or self.is_ever:
            return None
        return int(self._length[:-1]) * UNITS_US[self._length[-1]]

    @property
    def days(self) -> int | None:
        """Its length in civil days; None where it is not said in days."""
        return int(self._length[:-1]) if _DAYS.fullmatch(self._length) else None

    @property
    def delay_days(self) -> int:
        """How many civil days before the due day it ends; 0 without a delay."""
        _, _, delay = self.text.partition(_DELAY)
        return int(delay[:-1]) if delay else 0

    @property
    def _length(self) -> str:
        return self.text.partition(_DELAY)[0]


def _reason(text: object) -> str | None:
    """Why a text is not a window; None if it is one."""
    length, delayed, delay = text.partition(_DELAY) if isinstance(text, str) else ("", "", "")
    if not _LENGTH.fullmatch(length):
        return (
            f"write a whole number and a unit like '10m', '24h' or '7d', or {EVER!r}, "
            f"or {SINCE_CUTOFF!r}"
        )
    if not delayed:
        return None
    if length == SINCE_CUTOFF:
        return "'since_cutoff' begins where the distant past ends, so it takes no delay"
    if delay == "0d":
        return f"a delay of 0 days is none: write {length!r}"
    if not _DAYS.fullmatch(delay):
        return f"a delay is a whole number of days, like '{length}{_DELAY}7d'"
    return None
