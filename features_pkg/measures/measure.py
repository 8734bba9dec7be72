"""What a measure has to say: its value in each shape that a past comes in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from features_pkg.array_types import Ints
from features_pkg.definitions.velocity import Past, Velocity
from features_pkg.definitions.window import Window
from features_pkg.history.past_orders import PastEvent
from features_pkg.identifiers import Identifier
from features_pkg.measures.inputs import ArrayWindows, EntityPast, Instants, Reader
from features_pkg.timelines.read import EventTimeline


class MeasureEngines(Protocol):
    """One measure, computed in three ways that must agree; `reference` is what it means.

    The parity tests draw every measure and compare the three.
    """

    @property
    def reads_amounts(self) -> bool:
        """Whether it looks at the orders' amounts; a notebook's table needs them only then."""
        ...

    def reference(self, velocity: Velocity, events: Sequence[PastEvent], at_us: int) -> int | None:
        """The value for a question at `at_us`, of the events in its window; None is null."""
        ...

    def arrays(self, velocity: Velocity, windows: ArrayWindows) -> Ints:
        """One value per window; `NEVER` is null."""
        ...

    def one_order(self, velocity: Velocity, targets: Sequence[Identifier]) -> Reader:
        """What reads the value off an entity's timeline or its recent events.

        `targets` are those that timelines of this identifier and event keep, in their order.
        """
        ...


_ReadsDays = Callable[[EventTimeline, int, int | None], int]


def windowed(
    velocity: Velocity,
    *,
    recent: Callable[[EntityPast, int], int],
    distant: _ReadsDays | None = None,
) -> Reader:
    """The reader of a measure that has a window.

    `recent(past, start)` reads the recent events from position `start` on;
    `distant(timeline, due_day, days)` a window of civil days, None being ever. A measure that the
    definitions allow in recent windows only has no `distant`.
    """
    window = velocity.window
    assert window is not None
    if velocity.past is Past.DISTANT:
        assert distant is not None
        return _delayed(window, distant) if window.delay_days else _distant(window, distant)
    span_us = window.span_us

    def read_recent(past: EntityPast, at: Instants) -> int:
        start_us = at.cutoff_us if span_us is None else at.at_us - span_us
        return recent(past, past.since(start_us))

    return read_recent


def _distant(window: Window, read: _ReadsDays) -> Reader:
    """What reads a window that ends where the snapshot does."""
    days = window.days

    def read_distant(past: EntityPast, at: Instants) -> int:
        return read(past.timeline, at.due_day, days) if past.timeline is not None else 0

    return read_distant


def _delayed(window: Window, read: _ReadsDays) -> Reader:
    """What reads a window with a delay: all days since its start, less those of the delay.

    Both end where the snapshot does, so an older one shortens the delay first. Different values
    can't be subtracted like this: definitions refuse their delays.
    """
    delay = window.delay_days
    reach = None if window.days is None else window.days + delay

    def read_delayed(past: EntityPast, at: Instants) -> int:
        timeline, due_day = past.timeline, at.due_day
        if timeline is None:
            return 0
        return read(timeline, due_day, reach) - read(timeline, due_day, delay)

    return read_delayed
