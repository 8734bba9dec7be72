"""The orders that are sent, and those that make a service warm."""

import itertools
import json
import secrets
import time
from collections.abc import Iterator
from typing import Any, Final

from benchmarks.load import Connection, Target
from benchmarks.warm_stack import WarmStack

SETTLED: Final = 50
SETTLING_SECONDS: Final = 60.0


def bodies_of(stack: WarmStack) -> Iterator[bytes]:
    """Orders that were never sent, also not to a kept stack: its live ones under ever other ids."""
    for again in itertools.count(time.time_ns()):
        for order in stack.live_orders:
            yield json.dumps({**order, "order_id": f"{order['order_id']}-{again}"}).encode()


def orders_from_anywhere(stack: WarmStack) -> list[dict[str, Any]]:
    """The live orders, of which another one is first each time.

    Many short runs would else send the same few again and again, whose identifiers become hot.
    """
    first = secrets.randbelow(len(stack.live_orders))
    return stack.live_orders[first:] + stack.live_orders[:first]


def wait_until_normal(target: Target, stack: WarmStack) -> None:
    """Until SETTLED orders in a row got a whole answer.

    Raises AssertionError after SETTLING_SECONDS.
    """
    client, in_a_row = Connection(target.port), 0
    give_up = time.monotonic() + SETTLING_SECONDS
    for body in bodies_of(stack):
        try:
            answer = json.loads(client.exchange(target.request(body)))
            in_a_row = in_a_row + 1 if answer["recorded"] and not answer["degraded"] else 0
        except AssertionError:  # it was refused
            client, in_a_row = Connection(target.port), 0
        if in_a_row == SETTLED:
            return
        if time.monotonic() > give_up:
            raise AssertionError("the service does not become normal")
