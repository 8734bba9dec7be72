"""Into how many parts orders are divided for a shuffle, and into which batches on the way."""

from math import ceil
from typing import Final

ORDERS_OF_A_BATCH: Final = 50_000
"""The most orders that are worked on at a time, on their way into a shuffle."""
ORDERS_OF_A_PART: Final = 100_000
"""The most orders in one part of a shuffle, if their entities fall evenly."""
MEMORY_OF_A_PART: Final = 2 * 10**9
"""What a Python worker has in memory at most while it works on a part of so many orders."""

EVENTS_OF_A_DELTA_PART: Final = 10_000
"""The most new events in one part of a delta: what they change is beside them in memory."""


def parts_of(orders: int, cores: int) -> int:
    """The number of parts for so many orders; few orders get one part for each core."""
    return max(ceil(orders / ORDERS_OF_A_PART), cores)


def parts_of_delta(events: int, cores: int) -> int:
    """The number of parts for so many new events; few events get one part for each core."""
    return max(ceil(events / EVENTS_OF_A_DELTA_PART), cores)
