"""When people buy: by hour, weekday and season of the local clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from ontem.generating.drafts import Floats, Ints

ZONE: Final = ZoneInfo("America/Sao_Paulo")
HOUR_US: Final = 3_600_000_000
DAY_US: Final = 24 * HOUR_US
BY_HOUR: Final = np.array(
    [22, 13, 8, 6, 5, 7, 14, 26, 42, 55, 63, 66, 64, 62, 63, 62, 61, 60, 61, 66, 72, 74, 62, 40]
)
BY_NIGHT: Final = BY_HOUR + 30
"""Fraud keeps later hours, but no hour is its own."""
BY_WEEKDAY: Final = np.array([1.08, 1.06, 1.04, 1.0, 0.98, 0.86, 0.88])
GROWTH: Final = 0.35
"""How much more is bought at the end of the period than at its start."""


@dataclass(frozen=True, slots=True)
class Period:
    """[start, end) in epoch microseconds."""

    start_us: int
    end_us: int

    @property
    def length_us(self) -> int:
        """How long it is."""
        return self.end_us - self.start_us


def instants(period: Period, count: int, hours: Ints, rng: np.random.Generator) -> Ints:
    """`count` instants of the period in time order, as often by the local hour as `hours` says."""
    starts = np.arange(period.start_us, period.end_us, HOUR_US, dtype=np.int64)
    weights = _weights(starts, hours)
    counts = rng.multinomial(count, weights / weights.sum())
    begin = np.repeat(starts, counts)
    spread = np.minimum(HOUR_US, period.end_us - begin)
    drawn: Ints = begin + (rng.random(count) * spread).astype(np.int64)
    return np.sort(drawn)


def _weights(starts_us: Ints, by_hour: Ints) -> Floats:
    """How much is bought in the hour from each start, up to a factor."""
    local = [datetime.fromtimestamp(us / 1e6, UTC).astimezone(ZONE) for us in starts_us.tolist()]
    hour = np.array([one.hour for one in local])
    weekday = np.array([one.weekday() for one in local])
    growth = 1 + GROWTH * np.linspace(0, 1, len(local))
    weights: Floats = by_hour[hour] * BY_WEEKDAY[weekday] * growth
    return weights
