"""When clients without a known key are refused: at a pace, however many there are.

A client that goes on as soon as it is refused costs as much as an order each time. One whose
refusal waits for its turn costs next to nothing, whatever it sends and wherever it comes from.
"""

from collections import deque
from collections.abc import Iterator
from typing import Final

from service.worker.connection import Connection, State

PER_SECOND: Final = 50
"""At how many refusals a second a process goes on when there are more."""
AT_ONCE: Final = 10
"""How many it gives before that, as often as there was time for them."""
LONGEST_SECONDS: Final = 2.0
"""How long a refusal waits at most. Thousands of clients get more than PER_SECOND by it."""


class Strangers:
    """The connections whose refusal waits for its turn; the loop alone uses them."""

    def __init__(self) -> None:
        self._held: deque[tuple[float, Connection]] = deque()
        self._last_turn = 0.0

    def hold(self, connection: Connection, content: bytes, now: float) -> bool:
        """Whether a refusal must wait; it does so then. `now` is monotonic seconds."""
        turn = max(self._last_turn + 1 / PER_SECOND, now)
        self._last_turn = turn = min(turn, now + LONGEST_SECONDS)
        if turn <= now + AT_ONCE / PER_SECOND:
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
