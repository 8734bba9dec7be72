"""Workers that are killed, replaced and stopped while orders keep coming."""

import http.client
import json
import os
import resource
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from features_pkg.definitions.feature_set import FeatureSet
from service.rate_limits import LEAST_BURST
from stores.postgres.connection import connect
from tests.e2e.conftest import a_shop, environment_of
from tests.e2e.in_process import until
from tests.e2e.running import TIMEOUT_SECONDS, RunningService, running_service

CLIENTS = 4
WORKERS = 2
NO_ANSWER = 0


@dataclass
class Load:
    """Clients of one merchant, each of which sends one order after the other."""

    service: RunningService
    key: str
    name: str
    leave_when_told: bool = False
    """Whether a client sends no more after an answer with `Connection: close`."""
    statuses: list[int] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    """What was answered in place of a score."""
    answered: Counter[int] = field(default_factory=Counter)
    """How many requests of each client were answered."""
    errors: list[tuple[int, Exception]] = field(default_factory=list)
    """The requests without an answer, each with the number of its client."""
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "Load":
        self._threads = [
            threading.Thread(target=self._send, args=(number,)) for number in range(CLIENTS)
        ]
        for thread in self._threads:
            thread.start()
        self.more()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self.wait()

    def wait(self) -> None:
        for thread in self._threads:
            thread.join(TIMEOUT_SECONDS)

    def more(self, orders: int = 20) -> None:
        """Wait until so many more orders are answered."""
        enough = len(self.statuses) + orders
        until(lambda: len(self.statuses), lambda count: count >= enough)

    def more_of_each(self) -> None:
        """Wait until each client has one more answer, so none waits for one of before."""
        before = self.answered.copy()
        until(
            self.answered.copy,
            lambda now: all(now[number] > before[number] for number in range(CLIENTS)),
        )

    def _send(self, client_number: int) -> None:
        client, number = self.service.client(self.key), 0
        while not self._stop.is_set():
            number += 1
            order_id = f"{self.name}-{client_number}-{number}"
            try:
                answer = client.evaluate({"order_id": order_id, "amount_cents": 1})
            except (OSError, http.client.HTTPException) as error:
                self.errors.append((client_number, error))
                client.connection.close()
                continue
            self.statuses.append(answer.status)
            self.answered[client_number] += 1
            if answer.status != 200:
                self.refusals.append(str(answer.body))
            if self.leave_when_told and answer.headers["connection"] == "close":
                return


@pytest.fixture(scope="module")
def loaded_service(
    service_database_url: str,
    service_redis_url: str,
    model_folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[RunningService]:
    environ = environment_of(service_database_url, service_redis_url, model_folder)
    log = tmp_path_factory.mktemp("loaded") / "log"
    words = ("--workers", str(WORKERS), "--drain-seconds", "1")
    with running_service(environ, log, *words) as started:
        yield started


@pytest.fixture(scope="module")
def key(loaded_service: RunningService, service_database_url: str, features: FeatureSet) -> str:
    with connect(service_database_url, application_name="test", autocommit=True) as database:
        return a_shop(loaded_service, database, features).client.key


def workers(service: RunningService) -> set[int]:
    """The process ids of the workers."""
    children = Path(f"/proc/{service.process.pid}/task/{service.process.pid}/children")
    return {int(word) for word in children.read_text().split()}


def test_a_worker_that_is_killed_costs_its_own_requests_only(
    loaded_service: RunningService, key: str
):
    with Load(loaded_service, key, "killed") as load:
        victim = min(workers(loaded_service))
        os.kill(victim, signal.SIGKILL)
        until(
            lambda: workers(loaded_service),
            lambda now: victim not in now and len(now) == WORKERS,
        )
        load.more_of_each()
        during = load.errors.copy()
        load.more(100)

    assert len({client for client, _ in during}) == len(during)
    assert load.errors == during
    assert load.refusals == []


@pytest.mark.faults
@pytest.mark.long_faults
def test_workers_that_get_no_more_memory_lose_what_needs_it_and_nothing_else(
    loaded_service: RunningService, key: str
):
    """Their address space may not grow, so there is no room for a long body."""
    with Load(loaded_service, key, "memory") as load:
        starved = [psutil.Process(pid) for pid in workers(loaded_service)]
        for each in starved:
            each.rlimit(resource.RLIMIT_AS, (1, resource.RLIM_INFINITY))
        short, *_, long = [send_batch(loaded_service, key, size) for size in (10, 500, 1_000)]
        load.more(100)
        for each in starved:
            each.rlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        after = send_batch(loaded_service, key, 1_000)
        load.more(100)

    assert (short, long, after) == (200, NO_ANSWER, 200)
    assert load.errors == []
    assert load.refusals == []
    assert {each.pid for each in starved} == workers(loaded_service)


def send_batch(service: RunningService, key: str, size: int) -> int:
    """The status of a batch of so many orders, each of some 1,700 bytes."""
    values = dict.fromkeys(("user", "device", "seller"), "a" * 512)
    orders = [
        {"order_id": f"{size} {number}", "amount_cents": 1, **values} for number in range(size)
    ]
    headers = {"Authorization": f"Bearer {key}", "Content_Type": "application/json"}
    try:
        content = json.dumps({"orders": orders}).encode()
        return service.client().send("POST", "/orders/batch", content, **headers).status
    except (OSError, http.client.HTTPException):
        return NO_ANSWER


def replace_workers(service: RunningService) -> set[int]:
    """Send a HUP; the process ids of the workers that have then taken the place of the old ones."""
    before = workers(service)
    service.process.send_signal(signal.SIGHUP)
    return until(lambda: workers(service), lambda now: not now & before and len(now) == WORKERS)


def test_a_hup_loses_no_request(loaded_service: RunningService, key: str):
    with Load(loaded_service, key, "hup") as load:
        before = workers(loaded_service)
        after = replace_workers(loaded_service)
        load.more(100)

    assert not after & before
    assert load.errors == []
    assert load.refusals == []


def test_a_hup_gives_no_merchant_more_than_its_limit(
    loaded_service: RunningService, service_database_url: str, features: FeatureSet
):
    started = time.monotonic()
    with connect(service_database_url, application_name="test", autocommit=True) as database:
        key = a_shop(loaded_service, database, features, requests_per_second=1).client.key
    before = answers_until_refused(loaded_service, key)
    replace_workers(loaded_service)
    after = answers_until_refused(loaded_service, key)

    # Each worker lets the first request with a key through, which it then looks up.
    most = LEAST_BURST + 2 * WORKERS + 1 + (time.monotonic() - started)
    assert LEAST_BURST <= before <= before + after <= most


def answers_until_refused(service: RunningService, key: str) -> int:
    """How many requests of a merchant are answered until one is refused."""
    bearer = {"Authorization": f"Bearer {key}"}
    for answered in range(10 * LEAST_BURST):
        if service.client().send("GET", "/evaluations?order_id=none", **bearer).status == 429:
            return answered
    raise AssertionError("none was refused")


def test_a_term_loses_no_request_of_clients_that_leave_when_they_are_told(
    loaded_service: RunningService, key: str
):
    with Load(loaded_service, key, "term", leave_when_told=True) as load:
        loaded_service.process.send_signal(signal.SIGTERM)
        load.wait()

    assert load.errors == []
    assert load.refusals == []
    assert loaded_service.process.wait(TIMEOUT_SECONDS) == 0
