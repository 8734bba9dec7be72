"""A service that runs: real gunicorn, PostgreSQL and Redis, a model, a published snapshot."""

import itertools
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
import redis

from features_pkg.definitions.feature_set import FeatureSet
from stores.policy import Policy
from stores.postgres.connection import Connection, connect
from stores.postgres.issued_keys import issue_key
from stores.postgres.merchants import Merchant, add_merchant
from tests.e2e.a_model import write_a_model
from tests.e2e.fault_proxy import FaultProxy, a_fault_proxy
from tests.e2e.in_process import until
from tests.e2e.published import OnlineStore
from tests.e2e.running import PROJECT, Client, HttpAnswer, RunningService, running_service
from tests.model_keys import TRUST
from tests.pooler import pooler_is_asked_for, through_pooler
from tests.servers import Servers, a_database, service_login, with_database

SECRET = bytes(range(32))
AS_OF = date(2018, 6, 1)
"""The snapshot of most tests; no entity was ever seen in it."""

NOON = "2018-06-01T15:00:00Z"
"""Noon of AS_OF in São Paulo, the instant of most tests."""

_numbers = itertools.count(1)


@dataclass
class Shop:
    """A merchant with a key, its client, and the database behind the service."""

    merchant: Merchant
    client: Client
    database: Connection
    features: FeatureSet

    def evaluate(self, order: Any, at: str | None = NOON, **headers: str | None) -> HttpAnswer:
        """The answer for one order at an instant; None is the service's own clock."""
        return self.client.evaluate(order, Ontem_Clock=at, **headers)

    def stored(self, columns: str, order_id: str) -> list[Any]:
        """The given columns of this merchant's evaluations of one order."""
        rows = self.database.execute(
            f"SELECT {columns} FROM evaluations WHERE merchant_id = %s AND order_id = %s",  # type: ignore[arg-type]
            (self.merchant.merchant_id, order_id),
        )
        return rows.fetchall()

    def vector(self, order_id: str) -> dict[str, float]:
        """The stored vector of one order, by feature name."""
        ((content,),) = self.stored("vector", order_id)
        values = struct.unpack(f"<{len(self.features.names)}d", content)
        return dict(zip(self.features.names, values, strict=True))


def a_shop(
    service: RunningService, database: Connection, features: FeatureSet, **policy: Any
) -> Shop:
    """A new merchant of a running service."""
    merchant = add_merchant(database, f"loja {next(_numbers)}", Policy(**policy))
    key = issue_key(database, merchant)
    return Shop(merchant, service.client(key.text), database, features)


def wait_until_normal(shop: Shop) -> None:
    """Until an order is scored: connections that were lost are made anew outside of requests."""
    order = {"amount_cents": 1}
    until(
        lambda: shop.evaluate(order | {"order_id": f"wait {next(_numbers)}"}),
        lambda answer: answer.status == 200 and not answer.body["degraded"],
    )


@pytest.fixture(scope="session")
def features() -> FeatureSet:
    return FeatureSet("America/Sao_Paulo", timedelta(hours=4))


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory, features: FeatureSet) -> Path:
    folder = tmp_path_factory.mktemp("model")
    write_a_model(folder, features)
    return folder


def environment_of(database_url: str, redis_url: str, model_folder: Path) -> dict[str, str]:
    """The environment of a development service."""
    login = service_login(database_url)
    if pooler_is_asked_for():
        database_url = through_pooler(database_url, login)
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(PROJECT),
        "ONTEM_ENVIRONMENT": "development",
        "ONTEM_POSTGRES_URL": database_url,
        "ONTEM_SERVICE_LOGIN": login,
        "ONTEM_REDIS_URL": redis_url,
        "ONTEM_STORAGE_URL": "file:///nowhere",
        "ONTEM_ENTITY_KEY": SECRET.hex(),
        "ONTEM_MODEL": str(model_folder),
        **TRUST,
        # A busy machine is neither a state of a store nor a fault of it.
        "ONTEM_HEALTH_TIMEOUT_MS": "30000",
        "ONTEM_DEADLINE_MS": "6000",
        "ONTEM_STATEMENT_TIMEOUT_MS": "2000",
    }


@pytest.fixture(scope="session")
def service_database_url(postgres_server_url: str, template_url: str) -> Iterator[str]:
    """The database of the service that all these tests share."""
    template = urlsplit(template_url).path.removeprefix("/")
    with a_database(postgres_server_url, template=template) as url:
        yield url


@pytest.fixture(scope="session")
def service_redis_url(test_servers: Servers) -> str:
    """The Redis of the shared service, which reaches it through the proxy."""
    return with_database(test_servers.redis_url, "0")


@pytest.fixture(scope="session")
def shared_proxy(service_redis_url: str) -> Iterator[FaultProxy]:
    address = urlsplit(service_redis_url)
    with a_fault_proxy(address.hostname or "", address.port or 0) as started:
        yield started


@pytest.fixture(scope="session")
def service(
    service_database_url: str,
    service_redis_url: str,
    shared_proxy: FaultProxy,
    model_folder: Path,
    features: FeatureSet,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[RunningService]:
    """One service for all tests, each with a merchant of its own."""
    fresh_store(service_redis_url, features)
    address = urlsplit(service_redis_url)
    through_proxy = address._replace(
        netloc=f"{address.netloc.rpartition(':')[0]}:{shared_proxy.port}"
    )
    environ = environment_of(service_database_url, urlunsplit(through_proxy), model_folder)
    with running_service(environ, tmp_path_factory.mktemp("service") / "log") as started:
        yield started


def fresh_store(redis_url: str, features: FeatureSet) -> OnlineStore:
    """An emptied Redis with a snapshot as of AS_OF in which no entity was ever seen."""
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
    store = OnlineStore(redis_url, features, SECRET)
    store.publish(AS_OF)
    return store


@pytest.fixture
def proxy(
    shared_proxy: FaultProxy,
    service: RunningService,
    service_database_url: str,
    features: FeatureSet,
) -> Iterator[FaultProxy]:
    """The proxy that the shared service takes for Redis; it recovers after the test."""
    yield shared_proxy
    shared_proxy.recover()
    with connect(service_database_url, application_name="test", autocommit=True) as database:
        wait_until_normal(a_shop(service, database, features))


@pytest.fixture
def online(
    service: RunningService, service_redis_url: str, features: FeatureSet
) -> Iterator[OnlineStore]:
    """The shared service's online store, empty until the test publishes a load."""
    with redis.Redis.from_url(service_redis_url) as client:
        client.flushdb()
    yield OnlineStore(service_redis_url, features, SECRET)
    fresh_store(service_redis_url, features)


@pytest.fixture
def shop(
    service: RunningService, service_database_url: str, features: FeatureSet
) -> Iterator[Shop]:
    """A merchant of the shared service that blocks orders without a score."""
    with connect(service_database_url, application_name="test", autocommit=True) as database:
        yield a_shop(service, database, features, decision_without_score="block")


@pytest.fixture
def other_shop(
    service: RunningService, service_database_url: str, features: FeatureSet
) -> Iterator[Shop]:
    """Another merchant of the shared service."""
    with connect(service_database_url, application_name="test", autocommit=True) as database:
        yield a_shop(service, database, features)
