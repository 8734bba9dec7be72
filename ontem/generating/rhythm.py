"""When people buy: by hour, weekday and season of the local clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from features_pkg.array_types import Floats, Ints

ZONE: Final = ZoneInfo("America/Sao_Paulo")
HOUR_US: Final = 3_600_000_000
BY_HOUR: Final = np.array(
    [22, 13, 8, 6, 5, 7, 14, 26, 42, 55, 63, 66, 64, 62, 63, 62, 61, 60, 61, 66, 72, 74, 62, 40]
)
BY_NIGHT: Final = BY_HOUR + 30
"""Fraud is later in the day, but there is no hour with fraud alone."""
BY_WEEKDAY: Final = np.array([1.08, 1.06, 1.04, 1.0, 0.98, 0.86, 0.88])
GROWTH: Final = 0.35
"""How much more is bought at the end of the time span than at its start."""


@dataclass(frozen=True, slots=True)
class TimeSpan:
    """The instants from `start_us` up to before `end_us`, in epoch microseconds."""

    start_us: int
    end_us: int

    @property
    def length_us(self) -> int:
        """The microseconds in it."""
        return self.end_us - self.start_us


def draw_instants(span: TimeSpan, count: int, by_hour: Ints, rng: np.random.Generator) -> Ints:
    """`count` instants of the time span in order; `by_hour` has the weight of each local hour."""
    starts = np.arange(span.start_us, span.end_us, HOUR_US, dtype=np.int64)
    weights = _weights(starts, by_hour)
    counts = rng.multinomial(count, weights / weights.sum())
    begin = np.repeat(starts, counts)
    spread = np.minimum(HOUR_US, span.end_us - begin)
    drawn: Ints = begin + (rng.random(count) * spread).astype(np.int64)
    return np.sort(drawn)


def _weights(starts_us: Ints, by_hour: Ints) -> Floats:
    """The weight of the hour that begins at each start: how much is bought in it."""
    local = [datetime.fromtimestamp(us / 1e6, UTC).astimezone(ZONE) for us in starts_us.tolist()]
    hour = np.array([each.hour for each in local])
    weekday = np.array([each.weekday() for each in local])
    growth = 1 + GROWTH * np.linspace(0, 1, len(local))
    weights: Floats = by_hour[hour] * BY_WEEKDAY[weekday] * growth
    return weights
