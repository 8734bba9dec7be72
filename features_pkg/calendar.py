"""Civil days of one time zone and when they begin (docs/semantics.md section 3)."""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from features_pkg.errors import TimezoneUnknown

Micros = NDArray[np.int64]
Days = NDArray[np.int64]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_DAY = EPOCH.toordinal()
MICROSECOND = timedelta(microseconds=1)
DAY_US = 86_400_000_000
HOUR_US = 3_600_000_000


def to_us(at: datetime) -> int:
    """Epoch microseconds of an aware instant."""
    return (at - EPOCH) // MICROSECOND


def from_us(us: int) -> datetime:
    """The aware UTC instant of epoch microseconds."""
    return EPOCH + timedelta(microseconds=us)


class _Table(NamedTuple):
    """The first instants of days that follow each other; two forms of the same."""

    first: int
    cutoffs: Micros
    listed: list[int]
    """For one instant: bisecting it takes a tenth of the time."""


class Calendar:
    """The civil days of `timezone`. A day is its ordinal (`date.toordinal`), an instant epoch µs.

    A day begins at its first instant, which need not be midnight: 2018-11-04 in São Paulo begins at
    01:00 local, 03:00 UTC. Where midnight comes twice, the first one counts, so days never go back.

    Raises TimezoneUnknown.
    """

    def __init__(self, timezone: str) -> None:
        self.timezone = timezone
        try:
            self._zone = ZoneInfo(timezone)
        except (KeyError, OSError, TypeError, ValueError):  # "not found" is a KeyError
            raise TimezoneUnknown(timezone) from None
        # One assignment replaces all, so that a reader of another thread never sees a half.
        self._table = _Table(0, np.zeros(0, dtype=np.int64), [])

    def cutoff_us(self, day: int) -> int:
        """The first instant of `day`."""
        table = self._cover(day, day)
        return table.listed[day - table.first]

    def day_of(self, us: int) -> int:
        """The civil day of an instant: the newest one that has begun."""
        near = us // DAY_US + EPOCH_DAY
        table = self._cover(near - 2, near + 2)
        return table.first + bisect_right(table.listed, us) - 1

    def due_day(self, us: int, lag: timedelta) -> int:
        """The due day of a question: the newest day that began at or before `us - lag`.

        With a lag of 4 hours, an order of 03:59 still reads yesterday's snapshot:

        >>> sao_paulo = Calendar("America/Sao_Paulo")
        >>> at = datetime(2018, 6, 2, 6, 59, tzinfo=UTC)  # 03:59 in São Paulo
        >>> date.fromordinal(sao_paulo.due_day(to_us(at), timedelta(hours=4)))
        datetime.date(2018, 6, 1)
        """
        return self.day_of(us - lag // MICROSECOND)

    def cutoffs_us(self, days: Days) -> Micros:
        """`cutoff_us` of each day; any shape."""
        if days.size == 0:
            return days.astype(np.int64)
        table = self._cover(int(days.min()), int(days.max()))
        return table.cutoffs[days - table.first]

    def days_of(self, us: Micros) -> Days:
        """`day_of` of each instant; any shape."""
        if us.size == 0:
            return us.astype(np.int64)
        low, high = int(us.min()) // DAY_US, int(us.max()) // DAY_US
        table = self._cover(low + EPOCH_DAY - 2, high + EPOCH_DAY + 2)
        return table.first + np.searchsorted(table.cutoffs, us, side="right") - 1

    def due_days(self, us: Micros, lag: timedelta) -> Days:
        """`due_day` of each instant; any shape."""
        return self.days_of(us - lag // MICROSECOND)

    def local(self, us: int) -> datetime:
        """The instant on this zone's clock."""
        return from_us(us).astimezone(self._zone)

    def offsets_us(self, us: Micros) -> Micros:
        """How far the local clock is ahead of UTC at each instant.

        It is found once per distinct hour; in an hour in which the clock is changed, per instant.
        """
        hours, inverse = np.unique(us // HOUR_US, return_inverse=True)
        starts = np.array([self._offset_us(int(hour) * HOUR_US) for hour in hours], np.int64)
        ends = np.array([self._offset_us(int(hour + 1) * HOUR_US - 1) for hour in hours], np.int64)
        offsets = starts[inverse].reshape(us.shape)
        changing = np.nonzero((starts != ends)[inverse].reshape(us.shape))
        offsets[changing] = [self._offset_us(int(instant)) for instant in us[changing]]
        return offsets

    def _offset_us(self, us: int) -> int:
        return (self.local(us).utcoffset() or timedelta()) // MICROSECOND

    def _cover(self, low: int, high: int) -> _Table:
        """A table of all days from `low` to `high`, and of those that it had before."""
        table = self._table
        first, last = table.first, table.first + len(table.listed) - 1
        if table.listed and low >= first and high <= last:
            return table
        if not table.listed:
            first, last = low, low - 1
        low, high = min(low, first), max(high, last)
        before = [self._first_instant_us(day) for day in range(low, first)]
        after = [self._first_instant_us(day) for day in range(last + 1, high + 1)]
        listed = [*before, *table.listed, *after]
        self._table = table = _Table(low, np.array(listed, dtype=np.int64), listed)
        return table

    def _first_instant_us(self, day: int) -> int:
        midnight = datetime.combine(date.fromordinal(day), datetime.min.time(), tzinfo=self._zone)
        start = to_us(midnight.astimezone(UTC))
        if self._local_day(start - 1) < day <= self._local_day(start):
            return start
        low, high = start - 2 * DAY_US, start + 2 * DAY_US
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._local_day(middle) < day else (low, middle)
        return high

    def _local_day(self, us: int) -> int:
        return self.local(us).toordinal()
