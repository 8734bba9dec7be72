"""Clients without a known key are answered at a pace, so that their number costs others nothing."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from service.worker.pace import AT_ONCE_SECONDS, OPEN_PER_SECOND, STRANGERS_PER_SECOND
from stores.postgres.api_keys import ApiKey
from tests.e2e.conftest import Shop
from tests.e2e.raw_http import evaluation_of, raw_client
from tests.e2e.running import RunningService
from tests.e2e.shop_requests import an_order, the_problem

AT_ONCE = AT_ONCE_SECONDS * STRANGERS_PER_SECOND
CLIENTS = 20
TIMES = 5


def refused(service: RunningService, key: str, times: int = TIMES) -> list[float]:
    """When each of some orders was refused, one after the other on one connection."""
    client, refused_at = service.client(key), []
    for _ in range(times):
        assert client.evaluate(an_order()).status in (401, 503)  # there is no room to look all up
        refused_at.append(time.monotonic())
    return refused_at


def test_however_many_there_are_they_are_refused_so_often_a_second(
    service: RunningService, shop: Shop
):
    shop.evaluate(an_order())  # so that its key is known
    keys = [ApiKey.new().text, "ontem_no_key"] * (CLIENTS // 2)
    started = time.monotonic()
    with ThreadPoolExecutor(CLIENTS) as senders:
        crowd = [senders.submit(refused, service, key) for key in keys]
        merchant = [shop.evaluate(an_order(order_id=f"o-{number}")).status for number in range(9)]
        refused_at = sorted(at for each in crowd for at in each.result())

    assert merchant == [200] * 9
    assert len(refused_at) == CLIENTS * TIMES
    for number, at in enumerate(refused_at, 1):
        assert number <= AT_ONCE + 1 + STRANGERS_PER_SECOND * (at - started)


def test_who_needs_no_key_is_answered_so_often_a_second(service: RunningService, shop: Shop):
    def answered(path: str) -> list[float]:
        client, answered_at = service.client(), []
        for _ in range(TIMES):
            assert client.send("GET", path).status == 200
            answered_at.append(time.monotonic())
        return answered_at

    shop.evaluate(an_order())
    paths = ["/openapi.json", "/docs", "/statusz", "/metrics"] * (CLIENTS // 4)
    started = time.monotonic()
    with ThreadPoolExecutor(CLIENTS) as senders:
        crowd = [senders.submit(answered, path) for path in paths]
        merchant = [shop.evaluate(an_order(order_id=f"o-{number}")).status for number in range(9)]
        ready = service.client().send("GET", "/readyz").status
        answered_at = sorted(at for each in crowd for at in each.result())

    assert (merchant, ready) == ([200] * 9, 200)
    for number, at in enumerate(answered_at, 1):
        assert number <= AT_ONCE + 1 + OPEN_PER_SECOND * (at - started)


def test_who_sends_no_more_still_gets_the_refusal_that_waits_for_its_turn(service: RunningService):
    with ExitStack() as open_clients:
        clients = [open_clients.enter_context(raw_client(service)) for _ in range(int(5 * AT_ONCE))]
        for client in clients:
            client.send(evaluation_of(b"{}", "ontem_no_key"))
            client.socket.shutdown(socket.SHUT_WR)

        for client in clients:
            the_problem(client.answer(), 401)
            assert client.is_closed()


def test_a_merchant_that_errs_is_told_at_once(service: RunningService, shop: Shop):
    shop.evaluate(an_order())
    times = 3 * STRANGERS_PER_SECOND
    started = time.monotonic()
    refused(service, "ontem_no_key", times)
    others_seconds = time.monotonic() - started
    started = time.monotonic()
    for _ in range(times):
        the_problem(shop.client.evaluate(an_order(), Content_Type="text/plain"), 415)
    seconds = time.monotonic() - started

    assert seconds < others_seconds
