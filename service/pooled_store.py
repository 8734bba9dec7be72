"""One store for the requests of one process: connections that are ready, and a breaker."""

from typing import Generic

from service.breaker import Breaker, BreakerState
from service.pool import Kept, Maker, Pool, PoolSizes


class PooledStore(Generic[Kept]):
    """A store for all threads of one process, on connections that a thread of its own makes.

    That thread starts with `start` or with the first request, so after a fork.
    """

    def __init__(self, maker: Maker[Kept], connections: int) -> None:
        """`connections` is how many threads may use the store at the same time."""
        self._pool, self._breaker = Pool(maker, connections), Breaker()

    @property
    def breaker_state(self) -> BreakerState:
        """Whether the store is asked."""
        return self._breaker.state

    @property
    def pool_sizes(self) -> PoolSizes:
        """The connections of requests."""
        return self._pool.sizes

    def start(self) -> None:
        """Begin to connect."""
        self._pool.start()

    def settle(self, give_up: float) -> None:
        """Wait for all connections until this instant, unless they can't be made."""
        self._pool.settle(give_up)

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()
