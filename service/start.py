"""Checks that the service can answer, and builds its application; a refusal says what to run."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import psycopg
from flask import Flask

from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.errors import FeatureError, OntemError
from features_pkg.models.loading import SHIPPED, load_model
from service.app import Dependencies, create_app
from service.authentication import KeyRing
from service.clock import SteadyClock
from service.database import Database
from service.evaluating import Evaluations
from service.health import Readiness
from service.past import PastReader
from service.served_model import ServedModel
from stores.postgres.connection import connect, postgres_address
from stores.postgres.merchants import authenticate
from stores.redis.connection import connect_redis, redis_address, redis_client
from stores.redis.keys import Namespace
from stores.redis.published import read_published
from stores.redis.reader import REQUEST_TIMEOUT
from stores.settings import Settings


class StartRefused(OntemError):
    """The service could not answer orders as it should, so it does not start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long a request may wait for a store."""

    redis_timeout: timedelta = REQUEST_TIMEOUT
    statement_timeout: timedelta = timedelta(milliseconds=500)


def load(settings: Settings) -> ServedModel:
    """The model that the settings name, else the one that ships with Ontem.

    Raises StartRefused when there is none, or it was made for other code or other settings.
    """
    feature_set = FeatureSet(settings.timezone, settings.snapshot_lag)
    try:
        model = load_model(_model_folder(settings.model_path), feature_set)
    except FeatureError as refused:
        raise StartRefused(str(refused)) from refused
    return ServedModel.of(
        feature_set, model, entity_key=settings.entity_key, max_stale=settings.max_stale
    )


def check(settings: Settings, served_model: ServedModel, *, now_us: int) -> None:
    """Check that both stores answer and hold what the model needs; then disconnect.

    Raises StartRefused, ListDamaged, PostgresUnavailable or RedisUnavailable; the last two name the
    address.
    """
    _check_database(settings)
    with connect_redis(settings.redis_url) as client:
        published = read_published(client, Namespace.of(served_model.keys))
    if published.newest is None:
        due_day = date.fromordinal(served_model.due_day(now_us))
        raise StartRefused(
            f"Redis at {redis_address(settings.redis_url)} has no published snapshot of "
            f"timelines {served_model.feature_set.timelines_id} under this ONTEM_ENTITY_KEY, which "
            f"the model {served_model.model.manifest.name} reads: "
            f"run `ontem snapshot --as-of {due_day}`"
        )


def application(
    settings: Settings, served_model: ServedModel, limits: Limits, clock: SteadyClock
) -> Flask:
    """The application of this process; it connects at its first request, so after the fork."""
    database = Database(settings.postgres_url, statement_timeout=limits.statement_timeout)
    past_reader = PastReader(
        served_model, database, redis_url=settings.redis_url, redis_timeout=limits.redis_timeout
    )
    return create_app(
        Dependencies(
            keys=KeyRing(lambda key: authenticate(database.session(), key)),
            clock=clock,
            evaluations=Evaluations(served_model, database, past_reader),
            readiness=Readiness(
                served_model, database, redis_client(settings.redis_url, limits.redis_timeout)
            ),
            development=settings.environment == "development",
        )
    )


def _model_folder(configured: Path | None) -> Path:
    """The configured folder, else the last by name of those that ship with Ontem."""
    if configured is not None:
        return configured
    shipped = sorted(
        folder for folder in SHIPPED.glob("*/") if (folder / "manifest.json").is_file()
    )
    if not shipped:
        raise StartRefused(
            "there is no model: train one with `python -m jobs train`, "
            "or set ONTEM_MODEL to the folder of one"
        )
    return shipped[-1]


def _check_database(settings: Settings) -> None:
    address = postgres_address(settings.postgres_url)
    with connect(settings.postgres_url, application_name="ontem serve") as connection:
        try:
            row = connection.execute("SELECT environment FROM stack").fetchone()
        except psycopg.errors.UndefinedTable:
            row = None
    if row is None:
        raise StartRefused(f"the database at {address} has no schema: run `ontem migrate`")
    if row[0] != settings.environment:
        raise StartRefused(
            f"the database at {address} was migrated as {row[0]}, and ONTEM_ENVIRONMENT is "
            f"{settings.environment}: set it to {row[0]}, or name another database"
        )
