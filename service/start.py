"""What the service needs to start, and its application; a refusal says what to run.

A start is refused for what makes `/readyz` false. Stores that are away, empty or stale are told and
waited for: the service then answers as a running one does whose stores went away.
"""

import atexit
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import psycopg
from flask import Flask

from service import log
from service.app import Dependencies, create_app
from service.asker import Asker
from service.authentication import KEY_GRACE, KeyRing
from service.build import Build
from service.check_session import CheckSession
from service.clock import RequestClock
from service.database import Database
from service.drain import Drain
from service.evaluating import Evaluations
from service.health import ProcessChecks, faults
from service.hot.keeper import HotLimits
from service.hot.making import hot_entities
from service.model_age import ModelAge
from service.model_in_use import ModelInUse, StartRefused
from service.online import OnlineStore
from service.past import PastReader
from service.rehearsal import rehearse_statements
from service.shared_status import SharedChecks
from service.states import UNKNOWN, State
from service.worker.gate import BULK_THREADS
from stores.postgres.connection import PostgresUnavailable
from stores.redis.connection import redis_client
from stores.redis.keys import Namespace
from stores.settings import Settings

SETTLE_SECONDS: Final = 3.0
"""How long a new process waits for its connections before it answers without them."""
START_TIMEOUT: Final = timedelta(seconds=30)
"""How long the checks of a start wait for the stores before the service starts without them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long things may take, and how much may be read."""

    deadline: timedelta = timedelta(milliseconds=150)
    """From when a request is there until its answer is."""
    statement_timeout: timedelta = timedelta(milliseconds=500)
    """After which PostgreSQL gives up a statement that nobody waits for any more."""
    health_timeout: timedelta = timedelta(milliseconds=300)
    """How long all questions of one `/readyz` or `/statusz` together wait for the stores."""
    hot: HotLimits = field(default_factory=HotLimits)
    key_grace: timedelta = KEY_GRACE
    """How long a key that was found valid stays so while PostgreSQL can't be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """What one process of the service is made of."""

    settings: Settings
    limits: Limits
    model: ModelInUse
    clock: RequestClock
    """Made before the processes are, so that all follow the clock that was checked at the start."""
    drain: Drain
    threads: int = 4
    """How many requests it answers at the same time."""
    build: Build = field(default_factory=Build)

    def check(self) -> None:
        """Raise StartRefused for what would make `/readyz` false; log what `/statusz` would say.

        All connections are closed again.
        """
        asker, postgresql = Asker(START_TIMEOUT), self._check_session(START_TIMEOUT)
        dependencies = self._dependencies(asker, postgresql)
        try:
            faulty = faults(dependencies.process_checks.readiness().checks)
            shared = dependencies.shared_checks.status()
        finally:
            asker.ask(postgresql.close, None)
            asker.close()
            dependencies.shared_checks.close()
        for fault in faulty.values():
            at = f"PostgreSQL at {postgresql.address}"
            raise StartRefused(f"{fault.state} ({at}): {fault.remedy}")
        for part, state in faults(shared.states).items():
            log.error("degraded", part=part, state=state.state, remedy=state.remedy)

    def reload(self) -> None:
        """Serve the model that the settings name now, or keep the old one and log why."""
        self.model.reload(self._ask_age)

    def _ask_age(self, age: ModelAge) -> State:
        """What PostgreSQL says of a model's age; unknown when it does not answer."""
        asker, postgresql = Asker(START_TIMEOUT), self._check_session(START_TIMEOUT)
        try:
            return asker.ask(lambda: postgresql.call(age.check), UNKNOWN)
        except (psycopg.Error, PostgresUnavailable):
            return UNKNOWN
        finally:
            asker.ask(postgresql.close, None)
            asker.close()

    def application(self) -> Flask:
        """The application, with connections that are ready: it is made after the fork."""
        dependencies = self.dependencies()
        dependencies.start()
        dependencies.settle(SETTLE_SECONDS)
        atexit.register(dependencies.close)
        return create_app(dependencies)

    def dependencies(self) -> Dependencies:
        """What the paths of a new application call; nothing is connected yet."""
        limit = self.limits.health_timeout
        return self._dependencies(Asker(limit), self._check_session(limit))

    def _check_session(self, limit: timedelta) -> CheckSession:
        return CheckSession(self.settings.service_postgres_url, limit=limit)

    def _dependencies(self, asker: Asker, postgresql: CheckSession) -> Dependencies:
        settings, served_model = self.settings, self.model.served_model
        online = OnlineStore(
            settings.redis_url, Namespace.of(served_model.keys), connections=self.threads
        )
        hot = hot_entities(settings, self.limits.hot, served_model.feature_set)
        return Dependencies(
            time_limit=self.limits.deadline,
            database=Database(
                settings.service_postgres_url,
                statement_timeout=self.limits.statement_timeout,
                connections=self.threads + BULK_THREADS,
                prepare=rehearse_statements,
            ),
            online=online,
            keys=KeyRing(self.limits.key_grace),
            clock=self.clock,
            evaluations=Evaluations(served_model, PastReader(served_model, online, hot)),
            hot=hot,
            served_model=served_model,
            process_checks=ProcessChecks(
                environment=settings.environment,
                served_model=served_model,
                model_age=self.model.age,
                card_key=settings.card_key,
                postgresql=postgresql,
                asker=asker,
                clock=self.clock,
                drain=self.drain,
            ),
            shared_checks=SharedChecks(
                postgresql=postgresql,
                asker=asker,
                redis_asker=Asker(asker.limit),
                client=redis_client(settings.redis_url, self.limits.health_timeout),
                served_model=served_model,
                clock=self.clock,
                build=self.build,
                refused_model=self.model.refusal,
            ),
            card_key=settings.card_key,
            development=settings.environment == "development",
        )
