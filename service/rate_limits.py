"""How much a merchant may ask: one bucket of requests for each, filled at its policy's rate.

The buckets are in memory that the processes of one service share. So no store is asked, and none
that is away can open the limit or close the service (ADR 40).
"""

import mmap
import time
from collections.abc import Callable
from typing import Final

from service.errors import RateLimited
from stores.postgres.merchants import Merchant

BUCKETS: Final = 2**20
"""Of more merchants than this two may share a bucket. One that is never used takes no memory."""

BURST_SECONDS: Final = 2
LEAST_BURST: Final = 32
"""What a full bucket holds at least: the largest batch."""

BYTES_PER_REQUEST: Final = 65_536
"""A body counts as one request for each so many bytes that it has begun."""

_SECOND: Final = 1_000_000_000


class RateLimits:
    """The buckets of all merchants, to be made before the processes that share them.

    A bucket is the instant at which it will be full, in nanoseconds of the machine's monotonic
    clock. Two processes that take from a bucket in the same microsecond may count one request; in
    return there is no lock that a killed process could hold.
    """

    def __init__(self, pods: int = 1, now_ns: Callable[[], int] = time.monotonic_ns) -> None:
        """`pods` is how many services share the load; each grants its share of a limit."""
        self._pods, self._now_ns = pods, now_ns
        self._full_at = memoryview(mmap.mmap(-1, 8 * BUCKETS)).cast("q")

    def take(self, merchant: Merchant, body_length: int = 0) -> None:
        """Count a request of a merchant. Raises RateLimited if its bucket lacks what it costs.

        A request costs no more than a full bucket has, however long its body is said to be.
        """
        limit = merchant.policy.requests_per_second
        if limit is None:
            return
        one = _SECOND * self._pods // limit
        burst = max(BURST_SECONDS * limit // self._pods, LEAST_BURST)
        cost = min(-(-body_length // BYTES_PER_REQUEST) or 1, LEAST_BURST)
        bucket, now = merchant.merchant_id % BUCKETS, self._now_ns()
        full_if_empty_at = now + burst * one
        full_at = min(max(self._full_at[bucket], now), full_if_empty_at)
        excess = full_at + cost * one - full_if_empty_at
        self._full_at[bucket] = full_at if excess > 0 else full_at + cost * one
        if excess > 0:
            raise RateLimited(merchant.merchant_id, limit, -(-excess // _SECOND))
