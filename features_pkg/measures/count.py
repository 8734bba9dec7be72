"""Count: how often."""

from collections.abc import Sequence

from features_pkg.array_types import Ints
from features_pkg.definitions.velocity import Velocity
from features_pkg.history.past_orders import PastEvent
from features_pkg.identifiers import Identifier
from features_pkg.measures.inputs import ArrayWindows, Reader
from features_pkg.measures.measure import windowed
from features_pkg.timelines.read import EventTimeline


class Count:
    """How many events of the window named the entity; never seen is 0."""

    reads_amounts = False

    def reference(self, velocity: Velocity, events: Sequence[PastEvent], at_us: int) -> int:
        """The number of events."""
        return len(events)

    def arrays(self, velocity: Velocity, windows: ArrayWindows) -> Ints:
        """The number of positions in each window."""
        counts = windows.after - windows.before
        return counts if windows.sight is None else counts - windows.sight.hidden_count()

    def one_order(self, velocity: Velocity, targets: Sequence[Identifier]) -> Reader:
        """The timeline's counts, or the number of recent events."""
        return windowed(
            velocity,
            distant=EventTimeline.count,
            recent=lambda past, start: len(past.at_us) - start,
        )
