"""The connections of a worker: which are there, and what the selector watches them for."""

import resource
import selectors
from collections import Counter
from typing import Final

from service.request_content import MAX_BYTES
from service.worker.connection import Connection, State

MOST_LONG_BODIES: Final = 8
"""How many bodies that are longer than an order's may be on their way at the same time."""

READ: Final = selectors.EVENT_READ
WRITE: Final = selectors.EVENT_WRITE

_NEVER_CLOSED_FOR_OTHERS: Final = (State.ANSWER, State.SENDING)


class Clients:
    """At most so many connections; the loop alone uses them."""

    def __init__(self, selector: selectors.BaseSelector, *, most: int) -> None:
        self._selector, self._most = selector, most
        self._connections: set[Connection] = set()

    def __contains__(self, connection: Connection) -> bool:
        return connection in self._connections

    def __len__(self) -> int:
        return len(self._connections)

    def add(self, connection: Connection) -> None:
        """Watch a new connection."""
        self._connections.add(connection)
        self.watch(connection)

    def watch(self, connection: Connection) -> None:
        """Have the selector watch a connection for what it can do now."""
        if connection not in self._connections:
            return
        events = (READ if connection.room > 0 else 0) | (WRITE if connection.unsent else 0)
        if events == connection.events:
            return
        if not events:
            self._selector.unregister(connection.socket)
        elif connection.events:
            self._selector.modify(connection.socket, events, connection)
        else:
            self._selector.register(connection.socket, events, connection)
        connection.events = events

    def drop(self, connection: Connection) -> None:
        """Close a connection; one whose answer a thread writes is closed when that is done."""
        connection.unsent, connection.client_ended = b"", True
        self.watch(connection)
        connection.buffer.clear()  # what waits for its turn still names the connection
        if connection.state is not State.ANSWER and connection in self._connections:
            connection.head = None  # and with it the body
            self._connections.remove(connection)
            connection.socket.close()

    def without_room_for_its_body(self, newcomer: Connection) -> Connection | None:
        """The connection whose long body there is no room for, with that of the newcomer.

        Whose bodies are most makes room for those of others, as in `Threads`: it is the one of them
        that began last, or the newcomer.
        """
        sending = [
            each
            for each in self._connections
            if each.state is State.BODY and each.body_length > MAX_BYTES
        ]
        if len(sending) < MOST_LONG_BODIES:
            return None
        party = newcomer.passed.party
        shares = Counter([party, *(each.passed.party for each in sending)])
        largest = max((party, *shares), key=shares.__getitem__)
        if largest == party:
            return newcomer
        theirs = (each for each in sending if each.passed.party == largest)
        return max(theirs, key=lambda each: each.deadline)

    def overdue(self, now: float) -> list[Connection]:
        """Those whose deadline is over."""
        return [each for each in self._connections if each.deadline <= now]

    def hurry(self, deadline: float) -> None:
        """Let those that wait for a request wait until the deadline at most."""
        for each in self._connections:
            if each.state is State.REQUEST:
                each.deadline = min(each.deadline, deadline)

    def make_room(self) -> bool:
        """Whether there is room for one more, if need be in place of one that waits for its client.

        That is one that was never served, if there is such a one; of those the one that would have
        been closed next.
        """
        if len(self._connections) < self._most:
            return True
        return self.close_one()

    def close_one(self) -> bool:
        """Close the connection that is missed least; False if each waits for its answer."""
        waiting = (c for c in self._connections if c.state not in _NEVER_CLOSED_FOR_OTHERS)
        least = min(waiting, key=lambda each: (each.was_served, each.deadline), default=None)
        if least is not None:
            self.drop(least)
        return least is not None


def most_connections(configured: int) -> int:
    """As many as configured, if the process may open twice as many files."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return configured if files == resource.RLIM_INFINITY else min(configured, files // 2)
