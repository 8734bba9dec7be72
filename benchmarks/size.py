"""How many orders are measured, and how often: a rehearsal on few orders repeats little."""

import os

ORDERS = int(os.environ.get("ONTEM_BENCH_ORDERS", "1000000"))
HISTORIES = (10_000, 1_000_000, 10_000_000)
FEW_ORDERS = 10_000
"""Below this the figures mean nothing, and a tenth of the repetitions shows that all of it runs."""


def is_rehearsal(orders: int = ORDERS) -> bool:
    """Whether the figures mean nothing, so that what takes long is left out."""
    return orders < FEW_ORDERS


def repetitions(count: int, orders: int = ORDERS) -> int:
    """How often something is measured that counts when it is done `count` times."""
    return count if not is_rehearsal(orders) else max(count // 10, 1)


def histories(largest: int = ORDERS) -> tuple[int, ...]:
    """The sizes of the histories that are compared, up to the largest."""
    return (*(size for size in HISTORIES if size < largest), largest)
