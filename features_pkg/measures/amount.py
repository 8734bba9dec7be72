"""Amount: for how much, in whole cents."""

from collections.abc import Sequence

from features_pkg.array_types import Ints
from features_pkg.definitions.velocity import Velocity
from features_pkg.history.past_orders import PastEvent
from features_pkg.identifiers import Identifier
from features_pkg.measures.inputs import ArrayWindows, Reader
from features_pkg.measures.measure import windowed
from features_pkg.timelines.read import EventTimeline


class Amount:
    """The sum of the amounts of the events' orders, in cents; never seen is 0.

    A chargeback counts with its order's amount, each product of an order with the whole amount.
    """

    reads_amounts = True

    def reference(self, velocity: Velocity, events: Sequence[PastEvent], at_us: int) -> int:
        """The sum over the events."""
        return sum(event.order.amount_cents for event in events)

    def arrays(self, velocity: Velocity, windows: ArrayWindows) -> Ints:
        """A running sum, read at both edges of each window."""
        cents_before = windows.events.cents_before
        cents = cents_before[windows.after] - cents_before[windows.before]
        return cents if windows.sight is None else cents - windows.sight.hidden_cents()

    def one_order(self, velocity: Velocity, targets: Sequence[Identifier]) -> Reader:
        """The timeline's cents, or the recent events' sum."""
        return windowed(
            velocity,
            distant=EventTimeline.amount_cents,
            recent=lambda past, start: sum(past.cents[start:]),
        )
