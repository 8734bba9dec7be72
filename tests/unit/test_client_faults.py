"""The client against servers that are slow, broken, strange or not there."""

import json
import os
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest

import ontem_client.address
from ontem_client import (
    AnswerUnreadable,
    Client,
    ConnectionFailed,
    DeadlinePassed,
    NotAnswered,
    Order,
)
from tests.tls import Certificates, make_certificates, tls_server
from tests.unit.odd_answers import EVALUATION, GOOD, KEY, LIMITED, ORDER, OVERLOADED, a_client
from tests.unit.odd_server import (
    answer,
    drip,
    freeze_after,
    odd_server,
    reset,
    send,
    send_and_close,
)

SOON_SECONDS = 4
"""After a deadline of 0.3 s, on a busy machine; what hangs takes longer."""


def test_an_answer_becomes_its_type_and_the_connection_is_used_again():
    with odd_server(send(GOOD)) as server, a_client(server) as client:
        first, second = client.evaluate(ORDER), client.evaluate(ORDER)

    assert first == second
    assert first.evaluation_id == UUID(EVALUATION["evaluation_id"])
    assert (server.connections, len(server.requests)) == (1, 2)


LONG = answer(json.dumps({**EVALUATION, "model": "m" * 4_000}).encode())


@pytest.mark.parametrize(
    "odd",
    [drip(LONG), freeze_after(b""), freeze_after(GOOD[:-9]), freeze_after(b"HTTP/1.1 200 OK\r\nA")],
    ids=["drip", "frozen", "frozen in the body", "frozen in the head"],
)
def test_a_server_that_takes_its_time_costs_no_more_than_the_deadline(odd):
    """By a time limit for each byte the drip would end well."""
    with odd_server(odd) as server, pytest.raises(DeadlinePassed):
        a_client(server, deadline=0.3).evaluate(ORDER)


def test_a_server_that_does_not_take_the_connection_costs_no_more_than_the_deadline():
    with socket.socket() as full, socket.socket() as before, socket.socket() as another:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for waiting in (before, another):
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        port = full.getsockname()[1]
        begin = time.monotonic()
        with pytest.raises(DeadlinePassed):
            Client(f"http://127.0.0.1:{port}", KEY, deadline=0.3).evaluate(ORDER)
        assert time.monotonic() - begin < SOON_SECONDS


def test_a_name_that_is_not_found_out_costs_no_more_than_the_deadline(monkeypatch):
    looked_up, ends, real = [], threading.Event(), socket.getaddrinfo

    def hanging(*words: Any, flags: int = 0, **named: Any) -> Any:
        if flags == socket.AI_NUMERICHOST:
            return real(*words, flags=flags, **named)
        looked_up.append(words)
        ends.wait()
        return real("127.0.0.1", *words[1:], **named)

    with odd_server(send(GOOD)) as server:
        client = Client(f"http://ontem.example:{server.port}", KEY, plain_http=True)
        monkeypatch.setattr(ontem_client.address.socket, "getaddrinfo", hanging)
        for _ in range(2):
            with pytest.raises(DeadlinePassed):
                client.evaluate(ORDER, deadline=0.2)
        assert len(looked_up) == 1
        ends.set()
        assert client.evaluate(ORDER, deadline=30).score == 0.25


def test_an_address_that_this_machine_has_no_sockets_for_leaves_the_next_one(monkeypatch):
    unknown_family = 99
    with odd_server(send(GOOD)) as server:
        client = a_client(server)
        found = [(unknown_family, ("::1", 1)), (socket.AF_INET, ("127.0.0.1", server.port))]
        monkeypatch.setattr(client._exchange._resolver, "_look_up", lambda _: found)
        assert client.evaluate(ORDER).score == 0.25


@pytest.mark.parametrize("odd", [reset, send_and_close(b""), send_and_close(GOOD[:-1])],
                         ids=["reset", "closed", "half an answer"])  # fmt: skip
def test_a_connection_that_breaks_is_tried_once_more_with_the_same_bytes(odd):
    with odd_server(odd, send(GOOD)) as server:
        assert a_client(server).evaluate(ORDER).score == 0.25
        assert server.requests[0] == server.requests[1]
    with odd_server(odd) as server, pytest.raises(ConnectionFailed):
        a_client(server).evaluate(ORDER)
    assert len(server.requests) == 2


def test_nobody_there_is_an_error_that_says_so():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        client = Client(f"http://127.0.0.1:{closed.getsockname()[1]}", KEY, deadline=30)
        with pytest.raises(ConnectionFailed, match="refused"):
            client.evaluate(ORDER)


@pytest.mark.parametrize("wait", [OVERLOADED, LIMITED], ids=["503", "429"])
def test_an_answer_that_asks_to_come_again_is_asked_again_once(wait):
    with odd_server(send(wait), send(GOOD)) as server:
        assert a_client(server).evaluate(ORDER).score == 0.25
        assert server.requests[0] == server.requests[1]
    with odd_server(send(wait)) as server, pytest.raises(NotAnswered) as refused:
        a_client(server).evaluate(ORDER)
    assert len(server.requests) == 2
    assert (refused.value.retry_after, refused.value.request_id) == (0, "of-the-service")


def test_a_connection_that_the_server_closed_meanwhile_does_not_cost_the_second_try():
    odd = (send_and_close(GOOD), reset, send(GOOD))
    with odd_server(*odd) as server, a_client(server) as client:
        client.evaluate(ORDER)
        server.ended.acquire()
        client.evaluate(ORDER)
    assert len(server.requests) == 3


def test_a_connection_on_which_more_than_the_answer_came_is_not_used():
    other = answer(json.dumps({**EVALUATION, "score": 1}).encode())
    with odd_server(send(GOOD), send(GOOD + other)) as server, a_client(server) as client:
        assert [client.evaluate(ORDER).score for _ in range(4)] == [0.25] * 4


def echo(client: socket.socket, request: bytes, _: threading.Event) -> None:
    order_id = json.loads(request.partition(b"\r\n\r\n")[2])["order_id"]
    client.sendall(answer(json.dumps({**EVALUATION, "order_id": order_id}).encode()))


def test_a_connection_on_which_the_answer_is_still_to_come_is_not_used():
    with odd_server(send(b"HTTP/1.1 103 Early Hints\r\n\r\n"), send(GOOD)) as server:
        client = a_client(server)
        with pytest.raises(AnswerUnreadable):
            client.evaluate(ORDER)
        assert client.evaluate(ORDER).score == 0.25
    assert server.connections == 2


def test_threads_share_a_client_and_its_connections_and_each_gets_its_own_answer():
    with odd_server(echo) as server, a_client(server) as client, ThreadPoolExecutor(8) as threads:
        orders = [Order(order_id=f"o-{n}", amount_cents=1) for n in range(64)]
        answers = list(threads.map(client.evaluate, orders))

    assert [each.order_id for each in answers] == [each.order_id for each in orders]
    assert len(server.requests) == 64
    assert server.connections <= 8


def test_a_child_of_a_fork_does_not_use_its_parent_s_connections():
    with odd_server(send(GOOD)) as server, a_client(server) as client:
        client.evaluate(ORDER)
        child = os.fork()
        if child == 0:
            try:
                client.evaluate(ORDER)
                os._exit(0)
            finally:
                os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        client.evaluate(ORDER)
    assert (server.connections, len(server.requests)) == (2, 3)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


def test_a_certificate_must_be_of_an_authority_that_is_trusted(certificates):
    with odd_server(send(GOOD)) as server, tls_server(server.port, certificates) as port:
        url = f"https://127.0.0.1:{port}"
        with Client(url, KEY, ca_file=certificates.authority, deadline=30) as client:
            assert [client.evaluate(ORDER).score for _ in range(2)] == [0.25] * 2
        for ca_file in (certificates.stranger, None):
            with pytest.raises(ConnectionFailed, match="certificate was not accepted"):
                Client(url, KEY, ca_file=ca_file, deadline=30).evaluate(ORDER)
    assert (server.connections, len(server.requests)) == (1, 2)


def test_tls_changes_nothing_of_the_deadline(certificates):
    with odd_server(drip(LONG)) as server, tls_server(server.port, certificates) as port:
        client = Client(f"https://127.0.0.1:{port}", KEY, ca_file=certificates.authority)
        with pytest.raises(DeadlinePassed):
            client.evaluate(ORDER, deadline=0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # no handshake
        client = Client(f"https://127.0.0.1:{silent.getsockname()[1]}", KEY)
        begin = time.monotonic()
        with pytest.raises(DeadlinePassed):
            client.evaluate(ORDER, deadline=0.3)
        assert time.monotonic() - begin < SOON_SECONDS


def test_proxies_of_the_environment_are_not_asked(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with odd_server(send(GOOD)) as server:
        assert a_client(server).evaluate(ORDER).score == 0.25
