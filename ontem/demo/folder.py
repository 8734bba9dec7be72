"""Where a demo lives: its folder, its database, its part of Redis, its settings."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import redis
from psycopg import sql

from ontem.demo.errors import NoDemo
from ontem.stack import LocalStack
from ontem.stack.variables import write_variables
from stores.postgres.migrate import migrate
from stores.settings import Settings, read_variables

DATABASE = "ontem_demo"
REDIS_DATABASE = 1
MERCHANT = "demo"


@dataclass(frozen=True, slots=True)
class Place:
    """The demo of one project; beside the project's own data, which it never touches."""

    project: Path

    @property
    def folder(self) -> Path:
        """Everything that the demo keeps in files."""
        return self.project / ".ontem" / "demo"

    @property
    def model(self) -> Path:
        """The model that it serves."""
        return self.folder / "model"

    @property
    def key_file(self) -> Path:
        """Its merchant's API key, for the curl line of the README."""
        return self.folder / "api-key"

    @property
    def report_file(self) -> Path:
        """The report of its last run."""
        return self.folder / "report.json"

    def variables(self) -> dict[str, str]:
        """What its processes find in their environment."""
        kept = read_variables(self.folder / "env")
        if not kept:
            raise NoDemo(self.folder)
        return {**os.environ, **kept}

    def settings(self) -> Settings:
        """The settings of its processes."""
        return Settings.from_environ(self.variables())

    def up(self) -> tuple[str, ...]:
        """Start the local servers; what was done, in sentences."""
        said = LocalStack(self.project).up()
        if (self.folder / "env").exists():
            self._write_env(read_variables(self.folder / "env"))
        return said

    def start_over(self, more: dict[str, str]) -> None:
        """Drop what an earlier demo left and lay an empty database, with `more` settings."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self._write_env(more)
        settings = self.settings()
        server = read_variables(self.project / ".ontem" / "env")["ONTEM_POSTGRES_URL"]
        with psycopg.connect(server, autocommit=True) as connection:
            name = sql.Identifier(DATABASE)
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
            connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
        redis.Redis.from_url(settings.redis_url).flushdb()
        migrate(settings.postgres_url, environment="development")

    def _write_env(self, more: dict[str, str]) -> None:
        stack = read_variables(self.project / ".ontem" / "env")
        own = {
            **more,
            "ONTEM_ENVIRONMENT": "development",
            "ONTEM_ENTITY_KEY": stack["ONTEM_ENTITY_KEY"],
            "ONTEM_POSTGRES_URL": _with_path(stack["ONTEM_POSTGRES_URL"], DATABASE),
            "ONTEM_REDIS_URL": _with_path(stack["ONTEM_REDIS_URL"], str(REDIS_DATABASE)),
            "ONTEM_STORAGE_URL": (self.folder / "storage").as_uri(),
            "ONTEM_MODEL": str(self.model),
        }
        write_variables(self.folder / "env", own)


def command(*words: str) -> list[str]:
    """A command of Ontem, run by this interpreter."""
    return [sys.executable, "-m", *words]


def _with_path(url: str, path: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{path}"))
