"""How many orders are measured, and how often: a rehearsal on few orders repeats little."""

import os

ORDERS = int(os.environ.get("ONTEM_BENCH_ORDERS", "1000000"))
FEW_ORDERS = 10_000
"""Below this the figures mean nothing, and a tenth of the repetitions shows that all of it runs."""


def repetitions(count: int, orders: int = ORDERS) -> int:
    """How often something is measured that counts when it is done `count` times."""
    return count if orders >= FEW_ORDERS else max(count // 10, 1)
