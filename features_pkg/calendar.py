"""Civil days of one time zone and the instants at which they begin."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

Micros = NDArray[np.int64]
Days = NDArray[np.int64]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_DAY = EPOCH.toordinal()
MICROSECOND = timedelta(microseconds=1)
DAY_US = 86_400_000_000


def to_us(at: datetime) -> int:
    """Epoch microseconds of an aware instant."""
    return (at - EPOCH) // MICROSECOND


def from_us(us: int) -> datetime:
    """The aware UTC instant of epoch microseconds."""
    return EPOCH + timedelta(microseconds=us)


class Calendar:
    """The civil days of `timezone`. A day is its ordinal (`date.toordinal`), an instant epoch µs.

    A day begins at its first instant, which need not be midnight: 2018-11-04 in São Paulo begins at
    01:00 local, 03:00 UTC. Where midnight comes twice, the first one counts, so days never go back.
    """

    def __init__(self, timezone: str) -> None:
        self.timezone = timezone
        self._zone = ZoneInfo(timezone)
        self._first = EPOCH_DAY
        self._cutoffs: Micros = np.array([self._first_instant_us(EPOCH_DAY)], dtype=np.int64)

    def cutoff_us(self, day: int) -> int:
        """The first instant of `day`."""
        self._cover(day, day)
        return int(self._cutoffs[day - self._first])

    def day_of(self, us: int) -> int:
        """The civil day of an instant: the newest one that has begun."""
        self._cover(us // DAY_US + EPOCH_DAY - 2, us // DAY_US + EPOCH_DAY + 2)
        return self._first + int(np.searchsorted(self._cutoffs, us, side="right")) - 1

    def as_of(self, us: int, lag: timedelta) -> int:
        """The snapshot day of a question: the newest day that began at or before `us - lag`."""
        return self.day_of(us - lag // MICROSECOND)

    def cutoffs_us(self, days: Days) -> Micros:
        """`cutoff_us` of each day; any shape."""
        if days.size == 0:
            return days.astype(np.int64)
        self._cover(int(days.min()), int(days.max()))
        return self._cutoffs[days - self._first]

    def days_of(self, us: Micros) -> Days:
        """`day_of` of each instant; any shape."""
        if us.size == 0:
            return us.astype(np.int64)
        low, high = int(us.min()) // DAY_US, int(us.max()) // DAY_US
        self._cover(low + EPOCH_DAY - 2, high + EPOCH_DAY + 2)
        return self._first + np.searchsorted(self._cutoffs, us, side="right") - 1

    def as_ofs(self, us: Micros, lag: timedelta) -> Days:
        """`as_of` of each instant; any shape."""
        return self.days_of(us - lag // MICROSECOND)

    def local(self, us: int) -> datetime:
        """The instant on this zone's clock."""
        return from_us(us).astimezone(self._zone)

    def offsets_us(self, us: Micros) -> Micros:
        """How far the local clock is ahead of UTC at each instant; found once per distinct hour."""
        hours, inverse = np.unique(us // 3_600_000_000, return_inverse=True)
        offsets = [
            (self.local(int(hour) * 3_600_000_000).utcoffset() or timedelta()) // MICROSECOND
            for hour in hours
        ]
        return np.array(offsets, dtype=np.int64)[inverse].reshape(us.shape)

    def _cover(self, low: int, high: int) -> None:
        last = self._first + len(self._cutoffs) - 1
        if low >= self._first and high <= last:
            return
        low, high = min(low, self._first), max(high, last)
        before = [self._first_instant_us(day) for day in range(low, self._first)]
        after = [self._first_instant_us(day) for day in range(last + 1, high + 1)]
        parts = (np.array(before, np.int64), self._cutoffs, np.array(after, np.int64))
        # The longer table goes in first: a reader of another thread never sees a short one.
        table = np.concatenate(parts)
        self._cutoffs, self._first = table, low

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
