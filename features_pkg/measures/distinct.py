"""Distinct: with how many different values of a target."""

from collections.abc import Callable, Sequence

import numpy as np

from features_pkg.array_types import Ints
from features_pkg.definitions.velocity import Past, Velocity
from features_pkg.history.past_orders import PastEvent
from features_pkg.identifiers import Identifier
from features_pkg.measures.inputs import ArrayWindows, EntityPast, Reader
from features_pkg.measures.measure import windowed


class Distinct:
    """How many different values of `target` came with the events; null is not a value."""

    reads_amounts = False

    def reference(self, velocity: Velocity, events: Sequence[PastEvent], at_us: int) -> int:
        """The size of the set of values."""
        target = _target(velocity)
        return len({value for event in events for value in event.order.values(target)})

    def arrays(self, velocity: Velocity, windows: ArrayWindows) -> Ints:
        """Runs opened before a window's end, less those closed before its start.

        `features_pkg/history/value_runs.py` says why that is the number of different values.
        """
        target = _target(velocity)
        runs = windows.events.value_runs(target)
        values = np.empty(len(windows.after), dtype=np.int64)
        for length, questions in windows.spans:
            opened = runs.opened_before(length, in_days=windows.in_days)
            # Nothing leaves a window without a start: it is all that opened since the entity began.
            closed = (
                opened if length is None else runs.closed_before(length, in_days=windows.in_days)
            )
            after, before = windows.after[questions], windows.before[questions]
            values[questions] = opened[after] - closed[before]
        if windows.sight is None:
            return values
        return values - windows.sight.hidden_values(target, windows.spans, in_days=windows.in_days)

    def one_order(self, velocity: Velocity, targets: Sequence[Identifier]) -> Reader:
        """The timeline's last sightings, or the set of the recent events' values."""
        target = _target(velocity)
        position = targets.index(target) if velocity.past is Past.DISTANT else -1
        return windowed(
            velocity,
            distant=lambda timeline, due_day, days: timeline.distinct(position, due_day, days),
            recent=_different_products if target.several else _different(target),
        )


def _target(velocity: Velocity) -> Identifier:
    assert velocity.target is not None  # the definition refuses a distinct count without one
    return velocity.target


def _different(target: Identifier) -> Callable[[EntityPast, int], int]:
    name = str(target)

    def different(past: EntityPast, start: int) -> int:
        values = {getattr(event, name) for event in past.events[start:]}
        return len(values - {None})

    return different


def _different_products(past: EntityPast, start: int) -> int:
    products = (event.product or () for event in past.events[start:])
    return len({product for several in products for product in several})
