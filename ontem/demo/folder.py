"""The demo's own folder, database and Redis database, and the variables that name them."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import redis
from psycopg import sql

from features_pkg.models.bundle import PAGE
from ontem.demo.errors import NoDemo
from ontem.stack import LocalStack
from ontem.variables import write_variables
from stores.postgres.migrate import migrate
from stores.settings import Settings, read_variables

DATABASE = "ontem_demo"
REDIS_DATABASE = 1


@dataclass(frozen=True, slots=True)
class DemoFolder:
    """The demo of one project: on the project's servers, but never on the project's data."""

    project: Path

    @property
    def path(self) -> Path:
        """The folder that has all files of the demo."""
        return self.project / ".ontem" / "demo"

    @property
    def model(self) -> Path:
        """The folder of the model that it serves."""
        return self.path / "model"

    @property
    def model_page(self) -> Path:
        """The page with charts of that model."""
        return self.model / PAGE

    @property
    def key_file(self) -> Path:
        """The API key of its merchant, for the curl line of the README."""
        return self.path / "api-key"

    @property
    def orders_file(self) -> Path:
        """All its orders, those that were sent live included: for notebooks."""
        return self.path / "orders.parquet"

    @property
    def report_file(self) -> Path:
        """The report of its last run."""
        return self.path / "report.json"

    def environ(self) -> dict[str, str]:
        """The environment for its processes. Raises NoDemo."""
        variables = read_variables(self._env_file)
        if not variables:
            raise NoDemo(self.path)
        return {**os.environ, **variables}

    def settings(self) -> Settings:
        """The settings of its processes. Raises NoDemo."""
        return Settings.from_environ(self.environ())

    def up(self) -> tuple[str, ...]:
        """Start the local servers; a sentence for each says what was done."""
        sentences = LocalStack(self.project).up()
        if self._env_file.exists():  # the servers may have new ports
            self._write_env(read_variables(self._env_file))
        return sentences

    def start_over(self, variables: dict[str, str]) -> None:
        """Remove the last demo and create an empty database, with `variables` set as well."""
        shutil.rmtree(self.path, ignore_errors=True)
        self.path.mkdir(parents=True)
        self.path.chmod(0o700)  # it holds orders as they came, with their buyers' identifiers
        self._write_env(variables)
        settings = self.settings()
        with psycopg.connect(self._stack()["ONTEM_POSTGRES_URL"], autocommit=True) as connection:
            name = sql.Identifier(DATABASE)
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
            connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
        redis.Redis.from_url(settings.redis_url).flushdb()
        migrate(settings.postgres_url, environment="development", card_key=settings.card_key)

    @property
    def _env_file(self) -> Path:
        return self.path / "env"

    def _stack(self) -> dict[str, str]:
        return read_variables(self.project / ".ontem" / "env")

    def _write_env(self, variables: dict[str, str]) -> None:
        stack = self._stack()
        own = {
            **variables,
            "ONTEM_ENVIRONMENT": "development",
            "ONTEM_ENTITY_KEY": stack["ONTEM_ENTITY_KEY"],
            "ONTEM_MODEL_SIGNING_KEY": stack["ONTEM_MODEL_SIGNING_KEY"],
            "ONTEM_MODEL_VERIFY_KEYS": stack["ONTEM_MODEL_VERIFY_KEYS"],
            "ONTEM_POSTGRES_URL": _with_path(stack["ONTEM_POSTGRES_URL"], DATABASE),
            "ONTEM_REDIS_URL": _with_path(stack["ONTEM_REDIS_URL"], str(REDIS_DATABASE)),
            "ONTEM_STORAGE_URL": (self.path / "storage").as_uri(),
            "ONTEM_MODEL": str(self.model),
        }
        write_variables(self._env_file, own)


def _with_path(url: str, path: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{path}"))
