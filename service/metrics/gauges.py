"""What a process is doing now, written into its gauges once a second by its loop.

Each process sets its own; a page has the sums of those that live.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple, Protocol

from service.breaker import BreakerState
from service.metrics import metering
from service.pool import PoolSizes

BREAKER_STATES: Final[tuple[BreakerState, ...]] = ("closed", "open", "half-open")


class Store(Protocol):
    """A store as a process reaches it."""

    @property
    def breaker_state(self) -> BreakerState:
        """Whether it is asked."""

    @property
    def pool_sizes(self) -> PoolSizes:
        """The connections to it."""


class LoopState(NamedTuple):
    """What the loop of a process has to do."""

    clients: int
    """Open connections of clients."""
    unfinished: Mapping[str, int]
    """The requests that wait for a thread or have one, by lane."""


def observe(stores: Mapping[str, Store], loop: LoopState) -> None:
    """Set all gauges of this process."""
    metrics = metering.metrics()
    metrics.clients.set(loop.clients)
    for lane, count in loop.unfinished.items():
        metrics.requests.labels(lane).set(count)
    for name, store in stores.items():
        state = store.breaker_state
        for each in BREAKER_STATES:
            metrics.breakers.labels(name, each).set(each == state)
        for kind, count in store.pool_sizes._asdict().items():
            metrics.connections.labels(name, kind).set(count)
