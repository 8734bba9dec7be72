"""Orders at a fixed rate, as one merchant sends them whatever others do."""

import statistics
import time
from collections import Counter
from collections.abc import Sequence
from typing import Final

from benchmarks.load import Target
from benchmarks.open_loop import open_loop
from benchmarks.size import FEW_ORDERS, ORDERS
from benchmarks.warm_stack import WarmStack

PER_SECOND: Final = 20 if ORDERS < FEW_ORDERS else 100
SECONDS: Final = 0.5 if ORDERS < FEW_ORDERS else 5.0
MOST_REFUSED: Final = 0.01


def steady_milliseconds(target: Target, warm: WarmStack) -> list[float]:
    """The times of orders sent for SECONDS; raises AssertionError if too many got no whole answer.

    A time begins when the order was due.
    """
    prefix = f"steady-{time.time_ns()}"
    with open_loop([target], warm.live_orders, PER_SECOND, prefix) as answers:
        time.sleep(SECONDS)
    refused = [each for each in answers.orders if not each.is_normal]
    if len(refused) > len(answers.orders) * MOST_REFUSED:
        kinds = Counter((each.status, each.is_recorded, each.is_degraded) for each in refused)
        told = ", ".join(
            f"{number} x {status}{'' if is_recorded else ' not recorded'}"
            f"{' degraded' if is_degraded else ''}"
            for (status, is_recorded, is_degraded), number in kinds.most_common()
        )
        raise AssertionError(f"of {len(answers.orders)} orders got no whole answer: {told}")
    return [each.seconds * 1000 for each in answers.orders]


def p99(times: Sequence[float]) -> float:
    """What one time in a hundred is above."""
    return statistics.quantiles(times, n=100)[98]
