"""Clients that are slow, or too many: the others are answered, and all get an answer."""

import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from features_pkg.definitions.feature_set import FeatureSet
from stores.postgres.api_keys import ApiKey
from stores.postgres.connection import connect
from tests.e2e.conftest import Shop, a_shop, environment_of
from tests.e2e.raw_http import RawClient, evaluation_of, head_of, raw_client
from tests.e2e.running import TIMEOUT_SECONDS, RunningService, running_service
from tests.e2e.shop_requests import an_order, the_problem

THREADS, WAITING = 2, 2
STRANGERS = 4 * (THREADS + WAITING)
SLOW_CLIENTS = 50
CONNECTIONS = 5 * SLOW_CLIENTS


@pytest.fixture(scope="module")
def busy_service(
    service_database_url: str,
    service_redis_url: str,
    model_folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[RunningService]:
    """A service with few threads, which waits for its clients for a second only."""
    environ = environment_of(service_database_url, service_redis_url, model_folder)
    log = tmp_path_factory.mktemp("busy") / "log"
    words = ["--client-timeout-ms", "1000", "--connections", str(CONNECTIONS)]
    words += ["--threads", str(THREADS), "--queue", str(WAITING)]
    with running_service(environ, log, *words) as started:
        yield started


@pytest.fixture
def shop(
    busy_service: RunningService, service_database_url: str, features: FeatureSet
) -> Iterator[Shop]:
    with connect(service_database_url, application_name="test", autocommit=True) as database:
        yield a_shop(busy_service, database, features)


class Dripping:
    """Clients that send their bytes one by one, far slower than the service waits for them."""

    def __init__(self, service: RunningService, content: bytes, whole: int = 0) -> None:
        """Of `content` the first `whole` bytes are sent at once."""
        self.clients = [RawClient(service.port) for _ in range(SLOW_CLIENTS)]
        self._rest = content[whole:]
        for client in self.clients:
            client.send(content[:whole])
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._drip, daemon=True)

    def __enter__(self) -> "Dripping":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        for client in self.clients:
            client.socket.close()

    def _drip(self) -> None:
        for position in range(len(self._rest)):
            for client in self.clients:
                try:
                    client.send(self._rest[position : position + 1])
                except OSError:  # the service gave the client up
                    continue
            if self._stop.wait(0.2):
                return


def slow_clients(service: RunningService, key: str) -> dict[str, Dripping]:
    whole = evaluation_of(json.dumps(an_order()).encode().ljust(200), key)
    return {
        "head": Dripping(service, whole, 3),
        "body": Dripping(service, whole, len(whole) - 190),
        "body without a key": Dripping(
            service, head_of("POST /evaluate", Content_Length="200") + bytes(200), 60
        ),
        "nothing": Dripping(service, b""),
    }


def test_clients_that_send_slowly_keep_no_other_waiting_and_are_told(
    shop: Shop, busy_service: RunningService
):
    dripping = slow_clients(busy_service, shop.client.key)
    with ExitStack() as all_of_them:
        for clients in dripping.values():
            all_of_them.enter_context(clients)
        during = [shop.evaluate(an_order(order_id=f"o-{number}")).status for number in range(20)]
        live = busy_service.client().send("GET", "/livez")
        ready = busy_service.client().send("GET", "/readyz")
        heads = [client.answer() for client in dripping["head"].clients]
        bodies = [client.answer() for client in dripping["body"].clients]
        strangers = [client.answer() for client in dripping["body without a key"].clients]

    assert during == [200] * 20
    assert (live.status, ready.status) == (200, 200)
    for late in heads + bodies:
        problem = the_problem(late, 408)
        assert problem["code"] == "request_late"
        assert late.headers["connection"] == "close"
    for stranger in strangers:
        the_problem(stranger, 401)


def test_four_clients_of_three_bytes_stop_nothing(shop: Shop, busy_service: RunningService):
    with ExitStack() as open_clients:
        for _ in range(2 * THREADS):
            open_clients.enter_context(raw_client(busy_service)).send(b"GET")

        assert busy_service.client().send("GET", "/livez").status == 200
        assert busy_service.client().send("GET", "/statusz").status == 200
        assert shop.evaluate(an_order()).status == 200


def send_until_nobody_takes_more(client: RawClient) -> None:
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    client.socket.settimeout(0.5)
    with pytest.raises(TimeoutError):
        client.send(head_of("GET /openapi.json") * 1_000_000)
    client.socket.settimeout(TIMEOUT_SECONDS)


def test_clients_that_take_no_answers_keep_no_other_waiting(
    shop: Shop, busy_service: RunningService
):
    with ExitStack() as open_clients, ThreadPoolExecutor() as senders:
        clients = [open_clients.enter_context(raw_client(busy_service)) for _ in range(2 * THREADS)]
        list(senders.map(send_until_nobody_takes_more, clients))

        assert shop.evaluate(an_order()).status == 200
        for client in clients:
            with pytest.raises(ConnectionError):  # after the client's time is over
                list(iter(client.answer, None))


def test_more_requests_than_may_wait_are_refused_at_once_and_served_afterwards(
    shop: Shop, busy_service: RunningService
):
    clients = [busy_service.client(shop.client.key) for _ in range(3 * (THREADS + WAITING))]

    def evaluate(number: int) -> Any:
        return clients[number].evaluate(an_order(order_id=f"o-{number}"))

    shop.evaluate(an_order())
    with ThreadPoolExecutor(len(clients)) as senders:
        with shop.database.transaction():
            shop.database.execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
            answers = [senders.submit(evaluate, number) for number in range(len(clients))]
            first = [each.result() for each in islice(as_completed(answers), THREADS + WAITING)]
            probe = busy_service.client()
            health = [probe.send("GET", path).status for path in ("/livez", "/readyz")]
        during = [answer.result() for answer in answers]
        after = [evaluate(number).status for number in range(THREADS + WAITING)]

    assert health == [200, 200]
    assert {each.status for each in during} <= {200, 503}
    for each in first:
        assert the_problem(each, 503)["code"] == "overloaded"
        assert each.headers["retry-after"] == "1"
        assert each.headers["connection"] == "keep-alive"
    assert after == [200] * len(after)


def test_a_merchant_whose_orders_fill_the_room_makes_room_for_another_s(
    shop: Shop, busy_service: RunningService, features: FeatureSet
):
    other = a_shop(busy_service, shop.database, features)
    shop.evaluate(an_order())
    other.evaluate(an_order())
    clients = [busy_service.client(shop.client.key) for _ in range(2 * (THREADS + WAITING))]

    def evaluate(number: int) -> Any:
        return clients[number].evaluate(an_order(order_id=f"o-{number}"))

    with ThreadPoolExecutor(len(clients) + 1) as senders:
        with shop.database.transaction():
            shop.database.execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
            answers = as_completed(
                [senders.submit(evaluate, number) for number in range(len(clients))]
            )
            refused = list(islice(answers, THREADS + WAITING))
            others_answer = senders.submit(other.evaluate, an_order(order_id="another's"))
            refused.append(next(answers))
        served = {answer.result().status for answer in answers}

    assert {the_problem(each.result(), 503)["code"] for each in refused} == {"overloaded"}
    assert others_answer.result().status == 200
    assert served == {200}


def test_keys_of_nobody_take_no_room_from_a_merchant_s_requests(
    shop: Shop, busy_service: RunningService
):
    shop.evaluate(an_order())
    is_over = threading.Event()

    def ask_as_nobody(_: int) -> set[int]:
        client, statuses = busy_service.client(ApiKey.new().text), set()
        while not is_over.is_set():
            statuses.add(client.evaluate(an_order()).status)
        return statuses

    with ThreadPoolExecutor(STRANGERS) as senders:
        strangers = [senders.submit(ask_as_nobody, number) for number in range(STRANGERS)]
        answers = [shop.client.evaluate(an_order()) for _ in range(50)]
        is_over.set()

    assert {401} <= set.union(*(each.result() for each in strangers)) <= {401, 503}
    assert [each.body for each in answers if each.body.get("code") == "overloaded"] == []


def test_more_connections_than_the_service_has_leave_room_for_those_that_are_used(
    shop: Shop, busy_service: RunningService
):
    assert shop.evaluate(an_order()).status == 200
    with ExitStack() as open_clients:
        silent = [open_clients.enter_context(raw_client(busy_service)) for _ in range(CONNECTIONS)]
        silent += [
            open_clients.enter_context(raw_client(busy_service)) for _ in range(SLOW_CLIENTS)
        ]
        newcomer = busy_service.client(shop.client.key)

        assert newcomer.evaluate(an_order()).status == 200
        assert shop.client.connection.sock is not None  # the connection of before
        shop.client.connection.auto_open = 0
        assert shop.evaluate(an_order()).status == 200
        assert silent[0].is_closed()
