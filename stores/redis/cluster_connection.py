"""A connection to a Redis cluster that answers one MGET, as a `BoundedConnection` to one server.

The keys of a group are in one slot, and a command may have keys of one slot only. So each group's
keys are asked for in a command of their own, all sent before the first answer is read, and the
answers are put together in the order of the keys.
"""

from collections import defaultdict
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import redis
from redis.crc import key_slot

from stores.redis.bounded import BoundedConnection

Address = tuple[str, int]


class ClusterConnection:
    """Connections to all primaries, which are found out when it is connected.

    When one of them fails, or has given a slot away, what is asked then fails, and whoever uses
    this makes a new one. So does an error that any of them replies.
    """

    def __init__(self, url: str, seconds_left: Callable[[], float], connect_seconds: float) -> None:
        """Make one that is not connected yet; any node of the cluster is at `url`."""
        self._url, self._seconds_left, self._seconds = url, seconds_left, connect_seconds
        self._nodes: dict[Address, BoundedConnection] = {}
        self._slots: list[tuple[int, int, BoundedConnection]] = []
        self._sent: list[tuple[BoundedConnection, list[int]]] = []
        self._replies: list[Any] = []
        self._error: redis.ResponseError | None = None
        """What a node has replied instead, and `receive` has not raised yet."""

    @property
    def is_connected(self) -> bool:
        """Whether all primaries were connected, and none was closed since."""
        return bool(self._nodes) and all(node.is_connected for node in self._nodes.values())

    def connect(self) -> None:
        """Ask the node at the URL for all primaries, and connect to each."""
        self.close()
        any_node = self._connection(self._url)
        any_node.connect()
        try:
            any_node.send(b"CLUSTER", b"SLOTS")
            ranges = any_node.receive()
        finally:
            any_node.close()
        for first, last, (host, port, *_), *_ in ranges:
            node = self._node((host.decode() if host else "", int(port)))
            self._slots.append((int(first), int(last), node))

    def can_read(self) -> bool:
        """Whether something has come that was not received yet; it can be still."""
        return bool(self._sent) or any(node.can_read() for node in self._nodes.values())

    def has_reply(self) -> bool:
        """Whether all replies have come, or an error, so that `receive` waits for nothing."""
        while self._error is None and len(self._replies) < len(self._sent):
            node, _ = self._sent[len(self._replies)]
            if not node.has_reply():
                return False
            try:
                self._replies.append(node.receive())
            except redis.ResponseError as error:
                self._error = error
        return True

    def send(self, command: bytes, *keys: bytes) -> None:
        """Send a command for many keys, such as MGET, to the nodes that have them."""
        self._sent, self._replies, self._error = [], [], None
        by_slot: defaultdict[int, list[int]] = defaultdict(list)
        for position, key in enumerate(keys):
            by_slot[key_slot(key)].append(position)
        for slot, positions in by_slot.items():
            node = self._node_of(slot)
            node.send(command, *(keys[position] for position in positions))
            self._sent.append((node, positions))

    def receive(self) -> Any:
        """The values of all keys, in their order. Raises the first error that a node replies."""
        if self._error is not None:
            raise self._error
        while len(self._replies) < len(self._sent):
            node, _ = self._sent[len(self._replies)]
            self._replies.append(node.receive())
        sent, replies = self._sent, self._replies
        self._sent, self._replies = [], []
        values: list[Any] = [None] * sum(len(positions) for _, positions in sent)
        for (_, positions), reply in zip(sent, replies, strict=True):
            if not isinstance(reply, list) or len(reply) != len(positions):
                raise redis.InvalidResponse("another reply")
            for position, value in zip(positions, reply, strict=True):
                values[position] = value
        return values

    def close(self) -> None:
        """Close all connections without waiting for a server."""
        for node in self._nodes.values():
            node.close()
        self._nodes, self._slots = {}, []
        self._sent, self._replies, self._error = [], [], None

    def _node(self, address: Address) -> BoundedConnection:
        """The connection to the primary at this address; an empty host is that of the URL."""
        if address not in self._nodes:
            node = self._nodes[address] = self._connection(url_at(self._url, address))
            node.connect()
        return self._nodes[address]

    def _node_of(self, slot: int) -> BoundedConnection:
        for first, last, node in self._slots:
            if first <= slot <= last:
                return node
        raise redis.ConnectionError("a slot of the cluster has no node")

    def _connection(self, url: str) -> BoundedConnection:
        return BoundedConnection(url, self._seconds_left, self._seconds)


def url_at(url: str, address: Address) -> str:
    """The URL with another host and port, and the same login; the host stays if that is empty."""
    parts = urlsplit(url)
    host, port = address
    host = host or parts.hostname or "localhost"
    login, at, _ = parts.netloc.rpartition("@")
    shown = f"[{host}]" if ":" in host else host
    return urlunsplit(parts._replace(netloc=f"{login}{at}{shown}:{port}"))
