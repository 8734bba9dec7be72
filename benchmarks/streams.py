"""The orders that are sent."""

import itertools
import json
import time
from collections.abc import Iterator

from benchmarks.warm_stack import WarmStack


def bodies_of(stack: WarmStack) -> Iterator[bytes]:
    """Orders that were never sent, also not to a kept stack: its live ones under ever other ids."""
    for again in itertools.count(time.time_ns()):
        for order in stack.live_orders:
            yield json.dumps({**order, "order_id": f"{order['order_id']}-{again}"}).encode()
