"""One turn of a worker's loop: what it begins, it does not leave to the next one."""

import os
import selectors
import socket
from collections.abc import Iterator
from contextlib import closing
from math import inf

import pytest
from gunicorn.config import Config  # type: ignore[import-untyped]

from service.worker.clients import Clients
from service.worker.connection import Connection, Patience
from service.worker.conversation import Conversation
from service.worker.gate import Lane, OpenGate, Pass
from service.worker.head import parse
from service.worker.threads import Threads
from service.worker.worker import LoopWorker


def nothing(_: Connection) -> None:
    """What a lane without threads does."""


@pytest.fixture
def worker() -> Iterator[LoopWorker]:
    """A worker whose lane has room for nobody, as far as it is needed for a turn."""
    worker = LoopWorker(0, os.getppid(), [], None, 30, Config(), None)
    with closing(worker.tmp), selectors.DefaultSelector() as selector:
        worker._selector, worker._sweep_at = selector, inf
        worker._clients = Clients(selector, most=10)
        worker._conversation = Conversation(
            clients=worker._clients,
            gate=OpenGate(),
            lanes={Lane.REQUESTS: Threads("full", threads=0, waiting=0, work=nothing)},
            settings=Config(),
            patience=Patience(request=60.0, client=60.0),
            is_closing=lambda: False,
        )
        yield worker


def test_a_request_that_finds_no_room_when_its_turn_comes_is_refused_in_that_turn(
    worker: LoopWorker,
):
    server, client = socket.socketpair()
    with server, client:
        client.setblocking(False)
        connection = Connection(server, None, None)
        connection.head = parse(b"GET /docs HTTP/1.1\r\nHost: a\r\n\r\n", Config(), None, 1)
        connection.passed, connection.has_right_key = Pass(is_paced=True), True
        worker._clients.add(connection)
        while not worker._conversation.paces.delay_open(connection, now=0.0):
            pass  # until it waits, for a turn that came long ago

        worker._turn(0)

        assert client.recv(65_536).startswith(b"HTTP/1.1 503 ")
