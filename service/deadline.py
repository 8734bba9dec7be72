"""How long a request may take: one instant, passed to everything that a request waits for."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Deadline:
    """A stretch of the monotonic clock, in seconds: from when a client waits, and until when."""

    starts_at: float
    ends_at: float
    clock: Callable[[], float] = time.monotonic

    @classmethod
    def after(
        cls, starts_at: float, limit: timedelta, clock: Callable[[], float] = time.monotonic
    ) -> "Deadline":
        """The deadline that is over so long after `starts_at`."""
        return cls(starts_at, starts_at + limit.total_seconds(), clock)

    @classmethod
    def within(cls, limit: timedelta) -> "Deadline":
        """The deadline that is over so long after now."""
        return cls.after(time.monotonic(), limit)

    def left(self) -> float:
        """The seconds that are left; 0 when it is over."""
        return max(self.ends_at - self.clock(), 0.0)

    def part(self, share: float) -> "Deadline":
        """The deadline that is over after this share of the whole time."""
        return replace(self, ends_at=self.starts_at + (self.ends_at - self.starts_at) * share)

    def lowered(self, limit_ms: int | None) -> "Deadline":
        """This deadline, or the one that many milliseconds after the start if that is sooner."""
        if limit_ms is None:
            return self
        return replace(self, ends_at=min(self.ends_at, self.starts_at + limit_ms / 1000))
