"""Clocks that tests set."""

from dataclasses import dataclass


@dataclass
class Clock:
    """A monotonic clock that stands still until it is set."""

    now: float = 100.0

    def __call__(self) -> float:
        return self.now
