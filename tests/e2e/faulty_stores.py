"""Stores behind proxies, which can be frozen; for tests and benchmarks."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

import psutil
import redis

from ontem.stack import LocalStack
from stores.postgres.connection import connect
from tests.e2e.fault_proxy import Fault, FaultProxy, a_fault_proxy


@dataclass
class FaultyStores:
    """A stack, and the proxies in front of its two servers."""

    stack: LocalStack
    postgres: FaultProxy
    redis: FaultProxy

    @contextmanager
    def frozen_redis(self) -> Iterator[None]:
        """Meanwhile Redis takes connections and does nothing."""
        with redis.Redis.from_url(self.stack.variables["ONTEM_REDIS_URL"]) as client:
            pid = client.info("server")["process_id"]
        with stopped([psutil.Process(pid)]):
            yield

    @contextmanager
    def frozen_sessions(self) -> Iterator[None]:
        """Meanwhile the sessions that the service has by now do nothing; new ones work."""
        with stopped([psutil.Process(pid) for pid in self.sessions()]):
            yield

    @contextmanager
    def frozen_postgresql(self) -> Iterator[None]:
        """Meanwhile PostgreSQL takes connections and does nothing."""
        server = psutil.Process(self.sessions()[0]).parent()
        assert server is not None
        with stopped([server]), stopped(server.children(recursive=True)):
            yield

    def sessions(self) -> list[int]:
        """The processes of PostgreSQL that serve the service."""
        url = self.stack.variables["ONTEM_POSTGRES_URL"]
        with connect(url, application_name="test", autocommit=True) as connection:
            rows = connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE application_name = 'ontem serve'"
            ).fetchall()
        assert rows
        return [int(str(pid)) for (pid,) in rows]


@contextmanager
def stopped(processes: list[psutil.Process]) -> Iterator[None]:
    """Meanwhile these processes do nothing; one may have ended, such as an autovacuum's."""
    try:
        _send(signal.SIGSTOP, processes)
        yield
    finally:
        _send(signal.SIGCONT, processes)


def _send(signal_number: signal.Signals, processes: list[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(signal_number)


def through(proxy: FaultProxy, url: str) -> str:
    """`url` with the proxy in the place of its server."""
    parts = urlsplit(url)
    return parts._replace(netloc=f"{parts.netloc.rpartition(':')[0]}:{proxy.port}").geturl()


@contextmanager
def a_proxy_of(url: str) -> Iterator[FaultProxy]:
    address = urlsplit(url)
    with a_fault_proxy(address.hostname or "", address.port or 0) as proxy:
        yield proxy


@contextmanager
def a_fault(proxy: FaultProxy, fault: Fault) -> Iterator[None]:
    proxy.fault = fault
    yield
    proxy.fault = "none"


@contextmanager
def refused(proxy: FaultProxy) -> Iterator[None]:
    proxy.refuse()
    yield
    proxy.recover()
