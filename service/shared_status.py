"""`/statusz`: the state of what all processes share, each with its remedy."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Final

import msgspec
import psycopg
import redis

from service.asker import Asker
from service.build import Build
from service.check_session import CheckSession
from service.clock import RequestClock
from service.health import refusal_state
from service.served_model import ServedModel
from service.snapshot_age import SnapshotAge, snapshot_age
from service.states import OK, State
from stores.postgres.connection import Connection, LoginRefused, PostgresUnavailable
from stores.postgres.generations import OtherServer, StandbyRefused, check_server
from stores.redis.cluster import infos
from stores.redis.errors import ListDamaged
from stores.redis.keys import Namespace
from stores.redis.published import read_published


class Served(msgspec.Struct, frozen=True):
    """What answers: the program, its model and the snapshot that requests read."""

    version: str
    commit: str
    model: str
    feature_set: str
    snapshot: SnapshotAge


class Status(msgspec.Struct, frozen=True):
    """Whether all is well, the state of each thing that all processes share, and what answers."""

    ok: bool
    states: dict[str, State]
    served: Served


AWAY: Final = State("away", "start PostgreSQL, or set ONTEM_POSTGRES_URL to where it is")

READ_ONLY: Final = State("read-only", "end default_transaction_read_only of database or role")

REDIS_AWAY: Final = State("away", "start Redis, or set ONTEM_REDIS_URL to where it is")


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedChecks:
    """The checks of what all processes share; each asks the stores, now."""

    postgresql: CheckSession
    asker: Asker
    client: "redis.Redis"
    redis_asker: Asker
    """Asks Redis while the other one asks PostgreSQL; with the same limit."""
    served_model: ServedModel
    clock: RequestClock
    build: Build
    refused_model: str = ""
    """Why the model that was to replace the served one can't; empty if none was refused."""

    def status(self) -> Status:
        """The result of all checks. The limit of the askers is that of all checks together."""
        of_redis = {"redis": REDIS_AWAY, "snapshot": REDIS_AWAY}
        ages: list[SnapshotAge] = []

        def ask_redis() -> None:
            of_redis["redis"] = self._redis(self._eviction)
            of_redis["snapshot"] = self._redis(lambda: self._snapshot(ages))

        asked = self.redis_asker.begin(ask_redis)
        postgresql = self._postgresql()
        asked.answer(None)
        states = {"postgresql": postgresql, **of_redis, "model": self._model()}
        is_well = all(state == OK for state in states.values())
        return Status(is_well, states, self._served(ages[0] if ages else SnapshotAge()))

    def _served(self, snapshot: SnapshotAge) -> Served:
        return Served(
            version=self.build.version,
            commit=self.build.commit,
            model=self.served_model.model.manifest.name,
            feature_set=self.served_model.feature_set.version,
            snapshot=snapshot,
        )

    def close(self) -> None:
        """End the connections to Redis, and the thread that asks it."""
        self.redis_asker.close()
        self.client.close()

    def _postgresql(self) -> State:
        try:
            return self.asker.ask(self._server_now, AWAY)
        except (LoginRefused, psycopg.errors.InsufficientPrivilege) as refused:
            return refusal_state(refused)
        except psycopg.ProgrammingError:  # no such table
            return State("without schema", "run `ontem migrate`")
        except (psycopg.Error, PostgresUnavailable):
            return AWAY

    def _server_now(self) -> State:
        """The state of the server; a session of before may be read-only when the server is not."""
        state = self.postgresql.call(self._server)
        return self.postgresql.call(self._server) if state == READ_ONLY else state

    def _server(self, session: Connection) -> State:
        read_only = session.execute("SHOW transaction_read_only").fetchone() == ("on",)
        try:
            check_server(session, self.postgresql.address)
        except StandbyRefused:
            return State("standby", "promote it, or set ONTEM_POSTGRES_URL to the primary")
        except OtherServer as other:
            if not other.is_failover:
                return State("restored on another server", "run `ontem migrate`")
        if read_only:
            session.close()  # it would stay so when the server is not
            return READ_ONLY
        return OK

    def _redis(self, check: Callable[[], State]) -> State:
        try:
            return check()
        except (redis.RedisError, OSError):
            return REDIS_AWAY

    def _eviction(self) -> State:
        for memory in infos(self.client, "memory"):
            policy = memory.get("maxmemory_policy", "unknown")
            if policy != "noeviction":
                return State(f"may evict ({policy})", "set Redis' maxmemory-policy to noeviction")
        return OK

    def _snapshot(self, ages: list[SnapshotAge]) -> State:
        """The state of the snapshot that is read; its age is added to `ages`."""
        at_us = self.clock.now_us()
        due_day = self.served_model.due_day(at_us)
        night = f"`ontem night --as-of {date.fromordinal(due_day)}`"
        try:
            published = read_published(self.client, Namespace.of(self.served_model.keys))
        except ListDamaged:
            return State("damaged list of loads", "run `ontem publish`")
        age = snapshot_age(self.served_model, published.load_list.loads, at_us)
        ages.append(age)
        if published.newest is None:
            remedy = f"run `ontem publish` if Redis lost its data, else {night}"
            return State("none is published", remedy)
        if len(set(published.copies)) > 1:
            return State("copies of the list of loads are lost", "the next night writes them all")
        stale_days = age.stale_days
        if stale_days == 0:
            return OK
        if stale_days is None or stale_days > self.served_model.max_stale_days:
            return State(
                f"none of the last {self.served_model.max_stale_days} days", f"run {night}"
            )
        return State(f"stale by {stale_days} days", f"run {night}")

    def _model(self) -> State:
        if not self.refused_model:
            return OK
        name = self.served_model.model.manifest.name
        return State(f"{name} serves, its successor is refused", self.refused_model)
