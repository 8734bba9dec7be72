"""When clients are refused who ask without end: at a pace, however many there are.

A client that goes on as soon as it is refused costs the loop as much as it can send. One whose
refusal waits for its turn costs next to nothing, wherever it comes from.
"""

from collections import deque
from collections.abc import Iterator
from typing import Final

from service.worker.connection import Connection, State

STRANGERS_PER_SECOND: Final = 50
"""Of clients without a known key; to look one up costs nearly as much as an order."""
LIMITED_PER_SECOND: Final = 500
"""Of merchants that ask more than their policy grants, whose keys are known."""
AT_ONCE_SECONDS: Final = 0.2
"""So many refusals as have their turn within this time go at once."""
LONGEST_SECONDS: Final = 2.0
"""How long a refusal waits at most. Thousands of clients get more a second by it."""


class Pace:
    """The connections whose refusal waits for its turn; the loop alone uses them."""

    def __init__(self, per_second: int) -> None:
        """`per_second` is at how many refusals a second a process goes on when there are more."""
        self._pause = 1 / per_second
        self._held: deque[tuple[float, Connection]] = deque()
        self._last_turn = 0.0

    def hold(self, connection: Connection, content: bytes, now: float) -> bool:
        """Whether a refusal must wait; it does so then. `now` is monotonic seconds."""
        turn = max(self._last_turn + self._pause, now)
        self._last_turn = turn = min(turn, now + LONGEST_SECONDS)
        if turn <= now + AT_ONCE_SECONDS:
            return False
        connection.held = content
        connection.wait(State.HELD, turn)
        self._held.append((turn, connection))
        return True

    def seconds_left(self, now: float, most: float) -> float:
        """How long nobody has a turn, at most so long."""
        return min(most, max(self._held[0][0] - now, 0.0)) if self._held else most

    def whose_turn_it_is(self, now: float) -> Iterator[Connection]:
        """Those that may be refused now, once; a client may be gone by now."""
        while self._held and self._held[0][0] <= now:
            _, connection = self._held.popleft()
            if connection.state is State.HELD:
                yield connection


class Paces:
    """The paces of a worker. A merchant that errs is refused at once."""

    def __init__(self) -> None:
        self._strangers, self._limited = Pace(STRANGERS_PER_SECOND), Pace(LIMITED_PER_SECOND)

    def hold(
        self, connection: Connection, content: bytes, now: float, *, is_limited: bool = False
    ) -> bool:
        """Whether a refusal must wait; it does so then. `is_limited` says that it is a 429."""
        if is_limited:
            return self._limited.hold(connection, content, now)
        return not connection.is_merchants and self._strangers.hold(connection, content, now)

    def seconds_left(self, now: float, most: float) -> float:
        """How long nobody has a turn, at most so long."""
        return self._limited.seconds_left(now, self._strangers.seconds_left(now, most))

    def whose_turn_it_is(self, now: float) -> Iterator[Connection]:
        """Those that may be refused now."""
        yield from self._strangers.whose_turn_it_is(now)
        yield from self._limited.whose_turn_it_is(now)
