"""Whether this process can evaluate orders, for load balancers and monitoring."""

from collections.abc import Callable
from typing import Final

import msgspec
import psycopg
import redis

from service.database import Database, Statement
from service.served_model import ServedModel
from stores.postgres.connection import PostgresUnavailable
from stores.redis.errors import ListDamaged, NothingPublished
from stores.redis.keys import Namespace
from stores.redis.published import read_published


class Health(msgspec.Struct, frozen=True):
    """The result of each check, and whether all of them passed."""

    ready: bool
    checks: dict[str, str]
    """`ok` or what is wrong, by the name of the check."""


OK: Final = "ok"


class Readiness:
    """The checks of one process: the model, PostgreSQL, Redis, and a published snapshot."""

    def __init__(
        self, served_model: ServedModel, database: Database, client: "redis.Redis"
    ) -> None:
        self._served_model, self._database, self._client = served_model, database, client

    def check(self) -> Health:
        """The result of all checks, made now."""
        checks = {
            "model": OK,  # a process without one did not start
            "postgresql": _result(self._postgresql),
            "redis": _result(self._redis),
            "snapshot": _result(self._snapshot),
        }
        return Health(all(result == OK for result in checks.values()), checks)

    def _postgresql(self) -> None:
        self._database.run(Statement("SELECT 1"), {})

    def _redis(self) -> None:
        self._client.ping()

    def _snapshot(self) -> None:
        namespace = Namespace.of(self._served_model.keys)
        if read_published(self._client, namespace).newest is None:
            raise NothingPublished(timelines=namespace.timelines)


def _result(check: Callable[[], None]) -> str:
    try:
        check()
    except (NothingPublished, ListDamaged):
        return "no snapshot is published"
    except (psycopg.Error, PostgresUnavailable, redis.RedisError, OSError) as cause:
        return f"unavailable ({type(cause).__name__})"
    return OK
