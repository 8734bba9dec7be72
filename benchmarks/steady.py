"""Orders at a fixed rate, as one merchant sends them whatever others do."""

import statistics
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from benchmarks.load import Target
from benchmarks.open_loop import BROKEN, Answer, open_loop
from benchmarks.size import FEW_ORDERS, ORDERS
from benchmarks.streams import orders_from_anywhere
from benchmarks.warm_stack import WarmStack

PER_SECOND: Final = 20 if ORDERS < FEW_ORDERS else 100
SECONDS: Final = 0.5 if ORDERS < FEW_ORDERS else 5.0
MOST_LACKING: Final = 0.05
"""The share without a whole answer above which the times would be of refusals; it is told, too."""


@dataclass(slots=True)
class Steady:
    """What orders that came at the fixed rate got, however often some were sent."""

    milliseconds: list[float] = field(default_factory=list)
    """From when each was due, whatever it got."""
    lacking: Counter[str] = field(default_factory=Counter)
    """How many got no whole answer, by what they got."""

    @property
    def p50(self) -> float:
        """The median of the times."""
        return statistics.median(self.milliseconds)

    @property
    def p99(self) -> float:
        """What one time in a hundred is above."""
        return statistics.quantiles(self.milliseconds, n=100)[98]

    @property
    def whole(self) -> str:
        """The share of whole answers, and what the others were."""
        all_orders = len(self.milliseconds)
        share = f"{1 - self.lacking.total() / all_orders:.2%}"
        told = ", ".join(f"{number:,} x {kind}" for kind, number in self.lacking.most_common())
        return f"{share} ({told})" if told else share

    def check(self, beside: str) -> None:
        """Raise AssertionError if too many got no whole answer: the times would be of refusals.

        It names what the orders were sent beside.
        """
        if self.lacking.total() > len(self.milliseconds) * MOST_LACKING:
            raise AssertionError(f"whole answers beside {beside}: {self.whole}")

    def send(self, target: Target, warm: WarmStack) -> None:
        """Send orders for SECONDS, and keep what they got."""
        prefix = f"steady-{time.time_ns()}"
        with open_loop([target], orders_from_anywhere(warm), PER_SECOND, prefix) as answers:
            time.sleep(SECONDS)
        self.keep(answers.orders)

    def keep(self, answers: Sequence[Answer]) -> None:
        """Add what orders got."""
        self.milliseconds += [each.seconds * 1000 for each in answers]
        self.lacking.update(_told(each) for each in answers if not each.is_normal)


def _told(answer: Answer) -> str:
    if answer.status != HTTPStatus.OK:
        return "without an answer" if answer.status == BROKEN else f"{answer.status}"
    return "degraded" if answer.is_recorded else "not recorded"
