"""A service on a warm stack whose stores can have every fault."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from typing import Final

import psycopg
from psycopg import sql
from redis import Redis

from benchmarks.load import Target
from benchmarks.server import SERVE, server
from benchmarks.warm_stack import WarmStack
from ontem.stack import LocalStack
from ontem.stack.postgres import LocalPostgres
from stores.postgres.connection import Connection as Session
from stores.postgres.connection import connect
from tests.e2e.fault_proxy import Fault, FaultProxy
from tests.e2e.faulty_stores import FaultyStores, a_fault, a_proxy_of, refused, through

DEADLINE_MS: Final = 150
FLAP_SECONDS: Final = 1.0
LOADING: Final = b"-LOADING Redis is loading the dataset in memory\r\n"


@dataclass
class FaultyService(FaultyStores):
    """The service, and what breaks its stores."""

    warm: WarmStack
    target: Target
    pid: int
    """That of the service's first process."""

    @property
    def url(self) -> str:
        """The owner's way to PostgreSQL, past the proxy."""
        return self.stack.variables["ONTEM_POSTGRES_URL"]

    def owner(self) -> Session:
        """A session of the owner."""
        return connect(self.url, application_name="bench", autocommit=True)

    @contextmanager
    def locked_table(self) -> Iterator[None]:
        """Meanwhile nobody can read or write orders."""
        with self.owner() as connection, connection.transaction():
            connection.execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
            yield

    @contextmanager
    def read_only_postgres(self) -> Iterator[None]:
        """Meanwhile PostgreSQL refuses to write, as a standby does."""
        self._set_read_only("on")
        yield
        self._set_read_only("off")

    def _set_read_only(self, value: str) -> None:
        """For all sessions: those of the service end, and it makes others."""
        with self.owner() as connection:
            ((name,),) = connection.execute("SELECT current_database()").fetchall()
            setting = sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = {}")
            connection.execute("SET default_transaction_read_only = off")
            connection.execute(setting.format(sql.Identifier(str(name)), sql.Literal(value)))
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'ontem serve'"
            )

    @contextmanager
    def empty_redis(self) -> Iterator[None]:
        """Redis has lost its data, until they are published again."""
        with Redis.from_url(self.stack.variables["ONTEM_REDIS_URL"]) as client:
            client.flushdb()
        yield
        self.warm.ontem("publish")

    @contextmanager
    def restarted_postgres(self) -> Iterator[None]:
        """PostgreSQL is stopped, and meanwhile started again."""
        LocalPostgres(self.stack.home).stop()
        self.stack.up()
        yield

    @contextmanager
    def flapping(self, proxy: FaultProxy, seconds: float = FLAP_SECONDS) -> Iterator[None]:
        """Meanwhile a store refuses and answers by turns."""
        stopped = threading.Event()

        def flap() -> None:
            while not stopped.is_set():
                with refused(proxy):
                    stopped.wait(seconds)
                stopped.wait(seconds)

        thread = threading.Thread(target=flap)
        thread.start()
        try:
            yield
        finally:
            stopped.set()
            thread.join()


Break = Callable[[FaultyService], AbstractContextManager[None]]
"""Breaks something for as long as its context is open."""


def _redis(fault: Fault) -> Break:
    return lambda service: a_fault(service.redis, fault)


def _postgres(fault: Fault) -> Break:
    return lambda service: a_fault(service.postgres, fault)


@contextmanager
def _loading(service: FaultyService) -> Iterator[None]:
    service.redis.reply = LOADING
    with a_fault(service.redis, "reply"):
        yield


@contextmanager
def _both(
    first: AbstractContextManager[None], second: AbstractContextManager[None]
) -> Iterator[None]:
    with first, second:
        yield


FAULTS: Final[dict[str, Break]] = {
    "none": lambda _: nullcontext(),
    "Redis refuses": lambda service: refused(service.redis),
    "Redis is frozen": FaultyStores.frozen_redis,
    "Redis accepts and never answers": _redis("hole"),
    "Redis is up to 100 ms late": _redis("late"),
    "Redis drips": _redis("drip"),
    "Redis resets": _redis("reset"),
    "Redis resets in mid-answer": _redis("truncate"),
    "Redis sends answers of others": _redis("crossed"),
    "Redis is loading": _loading,
    "Redis has lost its data": FaultyService.empty_redis,
    "PostgreSQL refuses": lambda service: refused(service.postgres),
    "PostgreSQL is read-only": FaultyService.read_only_postgres,
    "PostgreSQL's sessions are frozen": FaultyStores.frozen_sessions,
    "PostgreSQL is frozen": FaultyStores.frozen_postgresql,
    "PostgreSQL accepts and never answers": _postgres("hole"),
    "PostgreSQL's answers are swallowed": _postgres("silent"),
    "PostgreSQL drips": _postgres("drip"),
    "PostgreSQL resets in mid-answer": _postgres("truncate"),
    "a table is locked": FaultyService.locked_table,
    "PostgreSQL restarts": FaultyService.restarted_postgres,
    "both refuse": lambda service: _both(refused(service.redis), refused(service.postgres)),
    "both are frozen": lambda service: _both(service.frozen_redis(), service.frozen_postgresql()),
    "Redis flaps": lambda service: service.flapping(service.redis),
    "PostgreSQL flaps": lambda service: service.flapping(service.postgres),
}


@contextmanager
def a_faulty_service(warm: WarmStack) -> Iterator[FaultyService]:
    """A service with its own deadline; its merchant has what can't be stored answered."""
    with ExitStack() as opened:
        stack = LocalStack(warm.folder)
        urls = [warm.environ[f"ONTEM_{name}_URL"] for name in ("POSTGRES", "REDIS")]
        postgres, redis = (opened.enter_context(a_proxy_of(url)) for url in urls)
        variables = {
            "ONTEM_POSTGRES_URL": through(postgres, urls[0]),
            "ONTEM_REDIS_URL": through(redis, urls[1]),
            "ONTEM_DEADLINE_MS": str(DEADLINE_MS),
            "ONTEM_STATEMENT_TIMEOUT_MS": "500",
        }
        port, running = opened.enter_context(server(warm, SERVE, **variables))
        service = FaultyService(stack, postgres, redis, warm, Target(port, warm.key), running.pid)
        with service.owner() as connection:
            connection.execute("UPDATE merchants SET when_not_stored = 'answer'")
        yield service
        with suppress(psycopg.Error), service.owner() as connection:
            connection.execute("UPDATE merchants SET when_not_stored = 'refuse'")
