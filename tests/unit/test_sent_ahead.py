"""Requests that a client sends ahead, on one connection in a worker's loop."""

import selectors
import socket

from gunicorn.config import Config  # type: ignore[import-untyped]

from service.worker.clients import Clients
from service.worker.connection import Connection, Patience
from service.worker.conversation import Conversation
from service.worker.gate import Pass
from service.worker.head import Head

HEAD = b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"
AHEAD = 10


class AnsweredAtOnce:
    """A gate whose answer needs no thread."""

    def check(self, head: Head) -> Pass:
        return Pass(answer=b"{}")


def test_who_is_read_often_has_no_more_than_one_request_answered_in_its_turn():
    server, client = socket.socketpair()
    with server, client:
        clients = Clients(selectors.DefaultSelector(), most=1)
        conversation = Conversation(
            clients=clients,
            gate=AnsweredAtOnce(),
            lanes={},
            settings=Config(),
            patience=Patience(request=60.0, client=60.0),
            is_closing=lambda: False,
        )
        connection = Connection(server, None, None)
        clients.add(connection)
        for _ in range(AHEAD):
            client.sendall(HEAD * 2)
            conversation.read(connection)

        assert len(conversation.unread) == 1
        assert connection.buffer == HEAD * AHEAD
        assert client.recv(65_536).count(b"HTTP/1.1 200 OK") == AHEAD
