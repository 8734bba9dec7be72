"""What the service needs to start, and its application; a refusal says what to run.

A start is refused for what makes `/readyz` false. Stores that are away, empty or stale are told and
waited for: the service then answers as a running one does whose stores went away.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

import psycopg
from flask import Flask

from features_pkg.calendar import to_us
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.errors import FeatureError, OntemError
from features_pkg.models.loading import load_model
from features_pkg.models.shipped_models import current_folder
from service import log
from service.app import Dependencies, create_app
from service.asker import Asker
from service.authentication import KeyRing
from service.clock import RequestClock
from service.database import Database
from service.drain import Drain
from service.evaluating import Evaluations
from service.health import ProcessChecks, faults
from service.model_age import ModelAge, older_state
from service.past import PastReader
from service.served_model import ServedModel
from service.shared_status import SharedChecks
from service.states import OK, UNKNOWN, State
from stores.model_keys import verify_keys
from stores.postgres.clock import database_clock
from stores.postgres.connection import PostgresUnavailable
from stores.postgres.merchants import authenticate
from stores.redis.connection import redis_client
from stores.redis.reader import REQUEST_TIMEOUT
from stores.settings import Settings

START_TIMEOUT: Final = timedelta(seconds=30)
"""How long each check of a start waits for PostgreSQL before the service starts without it."""


class StartRefused(OntemError):
    """The service could not answer orders as it should, so it does not start."""


class ModelNotLoaded(StartRefused):
    """There is no model, or it was changed, or it was made for other code or other settings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long a request or a health check may wait for a store."""

    redis_timeout: timedelta = REQUEST_TIMEOUT
    statement_timeout: timedelta = timedelta(milliseconds=500)
    health_timeout: timedelta = timedelta(milliseconds=300)
    """How long each question of `/readyz` and `/statusz` waits for PostgreSQL."""


class ModelInUse:
    """The model that processes serve which are forked from now on.

    A model that can't be loaded, or is older than one that served, does not replace one that was.
    """

    def __init__(self, settings: Settings, now_us: Callable[[], int]) -> None:
        """Load the model. Raises ModelNotLoaded, and SettingsError without keys to verify it by."""
        self._settings, self._now_us = settings, now_us
        self.served_model = self._load()
        self.age = ModelAge(self.served_model.model.manifest)
        self.refusal = ""
        """Why the model that the settings name by now is not the one that is served."""

    def reload(self, check: Callable[[ModelAge], State]) -> None:
        """Serve the model that the settings name now, or keep the old one and log why.

        `check` asks PostgreSQL about the model's age.
        """
        served = self.served_model.model.manifest.name
        try:
            loaded = self._load()
            if loaded.model.manifest.name != served:
                self.age = self._checked(ModelAge(loaded.model.manifest), check)
            self.served_model, self.refusal = loaded, ""
            log.info("model loaded", model=self.age.manifest.name)
        except StartRefused as refused:
            self.refusal = str(refused)
            log.error("model refused", reason=self.refusal, served=served)

    def _checked(self, age: ModelAge, check: Callable[[ModelAge], State]) -> ModelAge:
        """The age of a model that may replace the served one. Raises StartRefused."""
        state = check(age)
        if state == UNKNOWN and age.is_older_than(self.age):
            state = older_state(age.manifest, self.age.manifest.name)
        if state not in (OK, UNKNOWN):
            raise StartRefused(f"{state.state}: {state.remedy}")
        return age

    def _load(self) -> ServedModel:
        """The model that the settings name, else the one that ships with Ontem; warmed up.

        Raises ModelNotLoaded.
        """
        settings = self._settings
        feature_set = FeatureSet(settings.timezone, settings.snapshot_lag)
        try:
            folder = _model_folder(settings.model_path)
            model = load_model(folder, feature_set, verify_keys(settings))
            served_model = ServedModel.of(
                feature_set,
                model,
                entity_secret=settings.entity_secret,
                max_stale_days=settings.max_stale_days,
            )
            served_model.warm_up(self._now_us())
        except (FeatureError, OSError) as refused:
            raise ModelNotLoaded(str(refused)) from refused
        return served_model


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """What one process of the service is made of."""

    settings: Settings
    limits: Limits
    model: ModelInUse
    clock: RequestClock
    """Made before the processes are, so that all follow the clock that was checked at the start."""
    drain: Drain

    def check(self) -> None:
        """Raise StartRefused for what would make `/readyz` false; log what `/statusz` would say.

        All connections are closed again.
        """
        asker = Asker(START_TIMEOUT)
        dependencies = self._dependencies(asker)
        database = dependencies.process_checks.database
        try:
            faulty = faults(dependencies.process_checks.readiness().checks)
            shared = dependencies.shared_checks.status()
        finally:
            asker.ask(database.close, None)
            asker.close()
            dependencies.shared_checks.client.close()
        for fault in faulty.values():
            raise StartRefused(f"{fault.state} (PostgreSQL at {database.address}): {fault.remedy}")
        for part, state in faults(shared.states).items():
            log.error("degraded", part=part, state=state.state, remedy=state.remedy)

    def reload(self) -> None:
        """Serve the model that the settings name now, or keep the old one and log why."""
        self.model.reload(self._ask_age)

    def _ask_age(self, age: ModelAge) -> State:
        """What PostgreSQL says of a model's age; unknown when it does not answer."""
        asker = Asker(START_TIMEOUT)
        database = self._database()
        try:
            return asker.ask(lambda: database.call(age.check, checked=False), UNKNOWN)
        except (psycopg.Error, PostgresUnavailable):
            return UNKNOWN
        finally:
            asker.ask(database.close, None)
            asker.close()

    def _database(self) -> Database:
        return Database(self.settings.postgres_url, statement_timeout=self.limits.statement_timeout)

    def application(self) -> Flask:
        """The application; it connects at its first request, so after the fork."""
        return create_app(self._dependencies(Asker(self.limits.health_timeout)))

    def _dependencies(self, asker: Asker) -> Dependencies:
        """What the paths of a new application call; nothing is connected yet."""
        settings, served_model = self.settings, self.model.served_model
        database = self._database()
        clock = self.clock.with_database(lambda: _database_us(database))
        past_reader = PastReader(
            served_model,
            database,
            redis_url=settings.redis_url,
            redis_timeout=self.limits.redis_timeout,
        )
        return Dependencies(
            keys=KeyRing(lambda key: database.call(lambda session: authenticate(session, key))),
            clock=clock,
            evaluations=Evaluations(served_model, database, past_reader),
            process_checks=ProcessChecks(
                environment=settings.environment,
                served_model=served_model,
                model_age=self.model.age,
                card_key=settings.card_key,
                database=database,
                asker=asker,
                clock=clock,
                drain=self.drain,
            ),
            shared_checks=SharedChecks(
                database=database,
                asker=asker,
                client=redis_client(settings.redis_url, self.limits.redis_timeout),
                served_model=served_model,
                clock=clock,
                refused_model=self.model.refusal,
            ),
            card_key=settings.card_key,
            development=settings.environment == "development",
        )


def _database_us(database: Database) -> int | None:
    """The database's clock, None when it does not answer."""
    try:
        return database.call(lambda session: to_us(database_clock(session)), checked=False)
    except (psycopg.Error, PostgresUnavailable):
        return None


def _model_folder(configured: Path | None) -> Path:
    """The configured folder, else that of the shipped model which is current."""
    return current_folder() if configured is None else configured
