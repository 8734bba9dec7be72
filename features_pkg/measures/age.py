"""Ages: since when, as seconds from the entity's first or last event to the question."""

from collections.abc import Sequence

import numpy as np

from features_pkg.array_types import Ints
from features_pkg.definitions.velocity import Velocity
from features_pkg.history.past_orders import PastEvent
from features_pkg.history.ranked import HIGHEST
from features_pkg.identifiers import Identifier
from features_pkg.measures.inputs import NEVER, ArrayWindows, EntityPast, Instants, Reader

SECOND_US = 1_000_000


class FirstAge:
    """Whole seconds since the entity's first event, of all the past; never seen is null."""

    reads_amounts = False

    def reference(self, velocity: Velocity, events: Sequence[PastEvent], at_us: int) -> int | None:
        """From the earliest event."""
        first_us = min((event.at_us for event in events), default=None)
        return None if first_us is None else (at_us - first_us) // SECOND_US

    def arrays(self, velocity: Velocity, windows: ArrayWindows) -> Ints:
        """From the event at each window's first position."""
        if windows.sight is not None:
            return _ages_since(windows.sight.first_us(), windows)
        return _ages(windows, windows.before)

    def one_order(self, velocity: Velocity, targets: Sequence[Identifier]) -> Reader:
        """From the timeline's first instant; without a timeline, from the first one since it."""
        return _first_age


class LastAge:
    """Whole seconds since the entity's last event, of all the past; never seen is null."""

    reads_amounts = False

    def reference(self, velocity: Velocity, events: Sequence[PastEvent], at_us: int) -> int | None:
        """From the latest event."""
        last_us = max((event.at_us for event in events), default=None)
        return None if last_us is None else (at_us - last_us) // SECOND_US

    def arrays(self, velocity: Velocity, windows: ArrayWindows) -> Ints:
        """From the event at each window's last position."""
        if windows.sight is not None:
            return _ages_since(windows.sight.last_us(), windows)
        return _ages(windows, windows.after - 1)

    def one_order(self, velocity: Velocity, targets: Sequence[Identifier]) -> Reader:
        """From the last recent event since the snapshot, else from the timeline's last instant."""
        return _last_age


def _ages(windows: ArrayWindows, position: Ints) -> Ints:
    """Seconds from the event at each position to the question; `NEVER` for an empty window."""
    if not len(windows.events.at_us):
        return np.full(len(position), NEVER, dtype=np.int64)
    happened = windows.after > windows.before
    # The position for an empty window may be -1 or one past the events: 0 stands in for it.
    event_us = windows.events.at_us[np.where(happened, position, 0)]
    return np.where(happened, (windows.at_us - event_us) // SECOND_US, NEVER)


def _ages_since(event_us: Ints, windows: ArrayWindows) -> Ints:
    """Seconds from each instant to the question; `NEVER` for the instants that stand for none."""
    happened = np.abs(event_us) < HIGHEST
    since = np.where(happened, event_us, windows.at_us)
    return np.where(happened, (windows.at_us - since) // SECOND_US, NEVER)


def _first_age(past: EntityPast, at: Instants) -> int | None:
    if past.timeline is not None:
        return (at.at_us - past.timeline.first_us) // SECOND_US
    start = past.since(at.cutoff_us)
    return (at.at_us - past.at_us[start]) // SECOND_US if start < len(past.at_us) else None


def _last_age(past: EntityPast, at: Instants) -> int | None:
    if past.at_us and past.at_us[-1] >= at.cutoff_us:
        return (at.at_us - past.at_us[-1]) // SECOND_US
    return None if past.timeline is None else (at.at_us - past.timeline.last_us) // SECOND_US
