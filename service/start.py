"""What the service needs to start, and its application; a refusal says what to run.

A start is refused for what makes `/readyz` false. Stores that are away, empty or stale are told and
waited for: the service then answers as a running one does whose stores went away.
"""

import atexit
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final

import psycopg
from flask import Flask

from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.errors import FeatureError, OntemError
from features_pkg.models.loading import load_model
from features_pkg.models.shipped_models import current_folder
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
from service.model_age import ModelAge, older_state
from service.online import OnlineStore
from service.past import PastReader
from service.rehearsal import rehearse_model, rehearse_statements
from service.served_model import ServedModel
from service.shared_status import SharedChecks
from service.states import OK, UNKNOWN, State
from service.worker.gate import BULK_THREADS
from stores.errors import SettingsError
from stores.model_keys import verify_keys
from stores.postgres.connection import PostgresUnavailable
from stores.redis.connection import redis_client
from stores.redis.keys import Namespace
from stores.settings import Settings

SETTLE_SECONDS: Final = 3.0
"""How long a new process waits for its connections before it answers without them."""
START_TIMEOUT: Final = timedelta(seconds=30)
"""How long the checks of a start wait for the stores before the service starts without them."""


class StartRefused(OntemError):
    """The service could not answer orders as it should, so it does not start."""


class ModelNotLoaded(StartRefused):
    """There is no model, or it was changed, or it was made for other code or other settings."""


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


class ModelInUse:
    """The model that processes serve which are forked from now on.

    A model that can't be loaded, or is older than one that served, does not replace one that was.
    """

    def __init__(
        self,
        settings: Settings,
        now_us: Callable[[], int],
        model_path_now: Callable[[], Path | None] | None = None,
    ) -> None:
        """Load the model. Raises ModelNotLoaded, and SettingsError without keys to verify it by.

        `model_path_now` reads the setting again at each reload; without it, it stays as it is.
        """
        self._settings, self._now_us = settings, now_us
        self._model_path_now = model_path_now or (lambda: settings.model_path)
        self.served_model = self._load(settings.model_path)
        self.age = ModelAge(self.served_model.model.manifest)
        self.refusal = ""
        """Why the model that the settings name by now is not the one that is served."""

    def reload(self, check: Callable[[ModelAge], State]) -> None:
        """Serve the model that the settings name now, or keep the old one and log why.

        `check` asks PostgreSQL about the model's age.
        """
        served = self.served_model.model.manifest.name
        try:
            loaded = self._load(self._model_path_now())
            if loaded.model.manifest.name != served:
                self.age = self._checked(ModelAge(loaded.model.manifest), check)
            self.served_model, self.refusal = loaded, ""
            log.info("model loaded", model=self.age.manifest.name)
        except (StartRefused, SettingsError) as refused:
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

    def _load(self, model_path: Path | None) -> ServedModel:
        """The model of a configured folder, else the one that ships with Ontem; warmed up.

        Raises ModelNotLoaded.
        """
        settings = self._settings
        feature_set = FeatureSet(settings.timezone, settings.snapshot_lag)
        try:
            folder = _model_folder(model_path)
            model = load_model(folder, feature_set, verify_keys(settings))
            served_model = ServedModel.of(
                feature_set,
                model,
                entity_secret=settings.entity_secret,
                max_stale_days=settings.max_stale_days,
            )
            rehearse_model(served_model, self._now_us())
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


def _model_folder(configured: Path | None) -> Path:
    """The configured folder, else that of the shipped model which is current."""
    return current_folder() if configured is None else configured
