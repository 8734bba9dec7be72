"""A refusal that waits for its turn, in a worker: whose does, and how much is kept meanwhile."""

import selectors
import socket
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
from gunicorn.config import Config  # type: ignore[import-untyped]

from service.errors import KeyRefused
from service.worker.clients import Clients
from service.worker.connection import MOST_BUFFERED, Connection, Patience, State
from service.worker.conversation import Conversation
from service.worker.gate import STRANGERS, Gate, Lane, Pass
from service.worker.head import Head
from service.worker.pace import LONGEST_SECONDS
from service.worker.threads import Threads

BODY_BYTES = 10 * MOST_BUFFERED
HEAD = b"POST /evaluate HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % BODY_BYTES


class NobodyPasses:
    """A gate without a known key."""

    def check(self, head: Head) -> Pass:
        raise KeyRefused


class KeyIsKnown:
    """A gate that lets a merchant pass."""

    def check(self, head: Head) -> Pass:
        return Pass(has_right_key=True)


class KeyIsUnknown:
    """A gate that lets a request with some key pass, which is then looked up."""

    def check(self, head: Head) -> Pass:
        return Pass(most_bytes=BODY_BYTES, party=STRANGERS)


class AnybodyMayAsk:
    """A gate that has what anybody may ask begin at a pace."""

    def check(self, head: Head) -> Pass:
        return Pass(most_bytes=BODY_BYTES, is_paced=True)


class Loop:
    """The part of a worker's loop that has one client, after many others without a key."""

    def __init__(self, server: socket.socket, gate: Gate | None = None) -> None:
        selector = selectors.DefaultSelector()
        self.clients = Clients(selector, most=10)
        self.conversation = Conversation(
            clients=self.clients,
            gate=gate or NobodyPasses(),
            lanes={Lane.REQUESTS: Threads("full", threads=0, waiting=0, work=lambda _: None)},
            settings=Config(),
            patience=Patience(request=60.0, client=60.0),
            is_closing=lambda: False,
        )
        self.selector, self.connection = selector, Connection(server, None, None)
        self.clients.add(self.connection)
        self.others_turn = time.monotonic() + 600.0
        while not self.conversation.paces.delay_refusal(
            Connection(server, None, None), self.others_turn, is_limited=False
        ):
            pass

    def read_all(self) -> None:
        """Read as often as the selector says that it can be done."""
        while any(events & selectors.EVENT_READ for _, events in self.selector.select(0)):
            self.conversation.read(self.connection)
            self.clients.watch(self.connection)


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    server, client = socket.socketpair()
    with server, client:
        client.setblocking(False)
        yield server, client


def send_what_is_taken(loop: Loop, client: socket.socket) -> int:
    """Send the body until the loop reads no more of it; how much was sent."""
    sent = 0
    with suppress(BlockingIOError):
        while sent < BODY_BYTES:
            sent += client.send(bytes(min(65_536, BODY_BYTES - sent)))
            loop.read_all()
    return sent


def test_a_body_is_not_kept_while_its_refusal_waits(ends: tuple[socket.socket, socket.socket]):
    server, client = ends
    loop = Loop(server)
    client.send(HEAD)
    loop.read_all()
    assert loop.connection.state is State.TURN

    assert send_what_is_taken(loop, client) < BODY_BYTES
    assert len(loop.connection.buffer) <= MOST_BUFFERED

    turn = loop.others_turn + LONGEST_SECONDS
    assert loop.connection in list(loop.conversation.paces.due(turn))
    loop.conversation.take_turn(loop.connection)
    loop.clients.watch(loop.connection)
    assert client.recv(65_536).startswith(b"HTTP/1.1 401 ")
    send_what_is_taken(loop, client)  # and what comes afterwards is dropped, so it can be sent
    assert loop.connection.state is State.END
    assert not loop.connection.buffer


def test_a_body_that_was_sent_whole_is_not_kept_while_its_refusal_waits(
    ends: tuple[socket.socket, socket.socket],
):
    server, client = ends
    loop = Loop(server, KeyIsUnknown())
    client.send(HEAD)
    loop.read_all()
    assert send_what_is_taken(loop, client) == BODY_BYTES
    assert loop.connection.head is not None
    loop.conversation.refuse_overloaded(loop.conversation.given_back.popleft())

    assert loop.connection.state is State.TURN
    assert loop.connection.head is None


def test_nothing_is_kept_of_a_client_that_went_while_its_refusal_waited(
    ends: tuple[socket.socket, socket.socket],
):
    server, client = ends
    loop = Loop(server)
    client.send(HEAD + bytes(10_000))
    loop.read_all()
    assert len(loop.connection.buffer) == 10_000
    client.close()
    loop.read_all()

    assert not loop.connection.buffer
    with pytest.raises(OSError, match="pipe"):  # then the loop drops it
        loop.conversation.take_turn(loop.connection)


def test_a_request_without_a_key_waits_also_where_another_one_had_a_right_key(
    ends: tuple[socket.socket, socket.socket],
):
    server, client = ends
    loop = Loop(server)
    loop.connection.has_right_key = True
    client.send(HEAD)
    loop.read_all()

    assert loop.connection.state is State.TURN


def test_a_refusal_of_a_merchant_does_not_wait_on_a_connection_that_it_just_made(
    ends: tuple[socket.socket, socket.socket],
):
    server, client = ends
    loop = Loop(server, KeyIsKnown())
    client.send(HEAD)
    loop.read_all()

    assert client.recv(65_536).startswith(b"HTTP/1.1 413 ")


def test_a_request_that_waits_for_its_turn_is_not_kept_when_its_client_is_gone(
    ends: tuple[socket.socket, socket.socket],
):
    server, client = ends
    loop = Loop(server, AnybodyMayAsk())
    while not loop.conversation.paces.delay_open(Connection(server, None, None), loop.others_turn):
        pass
    client.send(HEAD)
    loop.read_all()
    assert send_what_is_taken(loop, client) == BODY_BYTES
    assert loop.connection.state is State.TURN
    loop.clients.drop(loop.connection)

    assert loop.connection in list(loop.conversation.paces.due(loop.others_turn + LONGEST_SECONDS))
    assert loop.connection.head is None
