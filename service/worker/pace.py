"""The pace at which clients that ask without end are refused or served, however many there are.

A client that goes on as soon as it is answered costs a process as much as it can send. One that
waits for its turn costs next to nothing, wherever it comes from.
"""

from collections import deque
from collections.abc import Iterator
from typing import Final

from service.worker.connection import Connection, State

STRANGERS_PER_SECOND: Final = 50
"""Refusals of clients without a known key; to look one up costs nearly as much as an order."""
LIMITED_PER_SECOND: Final = 500
"""Refusals of merchants that ask more than their policy grants; their keys are known."""
OPEN_PER_SECOND: Final = 50
"""Answers to what anybody may ask often for no reason, such as `/docs`."""
AT_ONCE_SECONDS: Final = 0.2
"""What has its turn within this time does not wait for it."""
LONGEST_SECONDS: Final = 2.0
"""How long one waits at most; so thousands of clients get more than the pace a second."""


class Pace:
    """The connections that wait for their turn; the loop alone uses them."""

    def __init__(self, per_second: int) -> None:
        """`per_second` is how many have their turn in a second when there are more."""
        self._pause = 1 / per_second
        self._waiting: deque[tuple[float, Connection]] = deque()
        self._last_turn = 0.0

    def delay(self, connection: Connection, now: float) -> bool:
        """Have one wait if it must, and say whether it does. `now` is monotonic seconds."""
        turn = max(self._last_turn + self._pause, now)
        self._last_turn = turn = min(turn, now + LONGEST_SECONDS)
        if turn <= now + AT_ONCE_SECONDS:
            return False
        connection.wait(State.TURN, turn)
        self._waiting.append((turn, connection))
        return True

    def seconds_left(self, now: float, most: float) -> float:
        """The seconds until the next turn, at most so many."""
        return min(most, max(self._waiting[0][0] - now, 0.0)) if self._waiting else most

    def due(self, now: float) -> Iterator[Connection]:
        """The connections whose turn has come, each once; a client may be gone by now."""
        while self._waiting and self._waiting[0][0] <= now:
            _, connection = self._waiting.popleft()
            if connection.state is State.TURN:
                yield connection


class Paces:
    """The paces of a worker. A merchant that errs is refused at once."""

    def __init__(self) -> None:
        self._strangers, self._limited = Pace(STRANGERS_PER_SECOND), Pace(LIMITED_PER_SECOND)
        self._open = Pace(OPEN_PER_SECOND)
        self._all = (self._strangers, self._limited, self._open)

    def delay_refusal(self, connection: Connection, now: float, *, is_limited: bool) -> bool:
        """Have a refusal wait if it must, and say whether it does. A 429 `is_limited`."""
        if is_limited:
            return self._limited.delay(connection, now)
        return not connection.has_right_key and self._strangers.delay(connection, now)

    def delay_open(self, connection: Connection, now: float) -> bool:
        """Have a request that needs no key wait if it must, and say whether it does."""
        return self._open.delay(connection, now)

    def seconds_left(self, now: float, most: float) -> float:
        """The seconds until the next turn, at most so many."""
        for each in self._all:
            most = each.seconds_left(now, most)
        return most

    def due(self, now: float) -> Iterator[Connection]:
        """The connections whose turn has come."""
        for each in self._all:
            yield from each.due(now)
