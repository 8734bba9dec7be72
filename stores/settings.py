"""The settings of one process: read from the environment once, then passed on as values."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Literal, cast
from zoneinfo import ZoneInfo

from stores.env_file import ENV_FILE, read_env_file
from stores.errors import SettingsError
from stores.urls import endpoint_problem, shown_url, storage_problem, url_problem

Environment = Literal["development", "production"]

ENTITY_KEY_BYTES = 32
RUN_UP = "run `ontem up` for a local stack, or set it"
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a process is configured with. Its repr has no secret and no address."""

    environment: Environment
    postgres_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    storage_url: str
    catalogue: Literal["postgres", "glue"] = "postgres"
    """Where the offline store keeps which state of its tables is current."""
    s3_endpoint: str = ""
    """The URL of another S3 server than AWS."""
    s3_region: str = ""
    entity_secret: bytes = field(repr=False)
    """The secret of the keyed hash that stands for an identifier's value in Redis and Parquet."""
    card_key: bytes = field(repr=False)
    """The secret of the fingerprint that is stored in the place of a card's number."""
    timezone: str = "America/Sao_Paulo"
    """The IANA name of the time zone whose civil days are Ontem's days."""
    snapshot_lag: timedelta = timedelta(hours=4)
    max_stale_days: int = 2
    """How many civil days older than the due day a served snapshot may be."""
    label_maturity: timedelta = timedelta(days=60)
    model_path: Path | None = None
    log_level: str = "INFO"

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> "Settings":
        """The settings in `environ`; an empty variable counts as not set.

        Raises SettingsError, which names the first variable that is missing or malformed.
        """
        read = _Reader(environ)
        model = read.text("ONTEM_MODEL", default="")
        return cls(
            environment=cast(
                Environment,
                read.one_of("ONTEM_ENVIRONMENT", ("development", "production"), "production"),
            ),
            postgres_url=read.url("ONTEM_POSTGRES_URL", ("postgresql", "postgres")),
            redis_url=read.url("ONTEM_REDIS_URL", ("redis", "rediss")),
            storage_url=read.storage_url("ONTEM_STORAGE_URL"),
            catalogue=cast(
                Literal["postgres", "glue"],
                read.one_of("ONTEM_CATALOGUE", ("postgres", "glue"), "postgres"),
            ),
            s3_endpoint=read.endpoint("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"),
            s3_region=read.first("AWS_REGION", "AWS_DEFAULT_REGION"),
            entity_secret=read.key("ONTEM_ENTITY_KEY"),
            card_key=read.key("ONTEM_CARD_KEY", default="ONTEM_ENTITY_KEY"),
            timezone=read.zone("BUSINESS_TIMEZONE", "America/Sao_Paulo"),
            snapshot_lag=timedelta(
                seconds=read.whole("SNAPSHOT_LAG_SECONDS", default=14_400, most=86_400)
            ),
            max_stale_days=read.whole("MAX_STALE_DAYS", default=2, most=30),
            label_maturity=timedelta(
                days=read.whole("LABEL_MATURITY_DAYS", default=60, most=3_650)
            ),
            model_path=Path(model) if model else None,
            log_level=read.one_of("ONTEM_LOG_LEVEL", LOG_LEVELS, "INFO"),
        )


def settings_here() -> Settings:
    """The settings of this process: its environment, and ONTEM_ENV_FILE or else `.ontem/env`.

    Raises SettingsError. Only an entry point calls this; everything below gets values.
    """
    return Settings.from_environ(environment_of(project_here()))


def project_here() -> Path:
    """The project that the current folder belongs to."""
    return find_project(Path.cwd())


def candidates_folder(project: Path) -> Path:
    """Where the project has the models that training made and that do not ship."""
    return project / ".ontem" / "models"


def environment_of(project: Path, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """`environ` (this process's by default), completed by the file that ONTEM_ENV_FILE names.

    Without ONTEM_ENV_FILE it is the project's `.ontem/env`, which may be missing. A variable of the
    real environment always wins over the file. Raises SettingsError for a named file that can't be
    read.
    """
    real = os.environ if environ is None else environ
    named = real.get(ENV_FILE, "").strip()
    known = read_env_file(Path(named)) if named else read_variables(project / ".ontem" / "env")
    return {**known, **real}


def read_variables(path: Path) -> dict[str, str]:
    """The KEY=VALUE lines of a file such as `.ontem/env`; none when there is no such file."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return {}
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, value in pairs}


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads one variable at a time. Raises SettingsError, which names it, when it is malformed."""

    environ: Mapping[str, str]

    def text(self, variable: str, *, default: str | None = None) -> str:
        value = self.environ.get(variable, "").strip()
        if value:
            return value
        if default is None:
            raise SettingsError(variable=variable, value=None, remedy=RUN_UP)
        return default

    def first(self, *variables: str) -> str:
        """The first of several variables that is set; empty when none is."""
        return next(filter(None, (self.text(each, default="") for each in variables)), "")

    def one_of(self, variable: str, choices: tuple[str, ...], default: str) -> str:
        value = self.text(variable, default=default)
        if value not in choices:
            raise SettingsError(
                variable=variable, value=value, remedy="use one of " + ", ".join(choices)
            )
        return value

    def url(self, variable: str, schemes: tuple[str, ...]) -> str:
        value = self.text(variable)
        problem = url_problem(value, schemes)
        if problem is not None:
            raise SettingsError(variable=variable, value=shown_url(value), remedy=problem)
        return value

    def storage_url(self, variable: str) -> str:
        value = self.text(variable)
        problem = storage_problem(value)
        if problem is not None:
            shown = shown_url(value) if {"@", "?"} & set(value) else value
            raise SettingsError(variable=variable, value=shown, remedy=problem)
        return value

    def endpoint(self, *variables: str) -> str:
        """The URL of an S3 server that the first variable that is set names; empty for none."""
        for variable in variables:
            if value := self.text(variable, default=""):
                problem = endpoint_problem(value)
                if problem is not None:
                    raise SettingsError(variable=variable, value=shown_url(value), remedy=problem)
                return value
        return ""

    def key(self, variable: str, *, default: str | None = None) -> bytes:
        """A secret; when it is not set, that of the variable `default`."""
        value = self.text(variable, default=None if default is None else "")
        if default is not None and not value:
            return self.key(default)
        if not re.fullmatch(rf"[0-9a-fA-F]{{{2 * ENTITY_KEY_BYTES}}}", value):
            raise SettingsError(
                variable=variable,
                value=f"<{len(value)} characters, not shown>",
                remedy=f"it needs {2 * ENTITY_KEY_BYTES} hexadecimal digits, "
                "such as `openssl rand -hex 32` prints",
            )
        return bytes.fromhex(value)

    def zone(self, variable: str, default: str) -> str:
        value = self.text(variable, default=default)
        try:
            return ZoneInfo(value).key
        except (OSError, ValueError, KeyError) as error:  # "not found" is a KeyError here
            raise SettingsError(
                variable=variable, value=value, remedy="use an IANA name such as America/Sao_Paulo"
            ) from error

    def whole(self, variable: str, *, default: int, most: int) -> int:
        value = self.text(variable, default=str(default))
        if not (value.isascii() and value.isdigit() and len(value) <= 9 and int(value) <= most):
            raise SettingsError(
                variable=variable, value=value, remedy=f"use a whole number from 0 to {most}"
            )
        return int(value)


def find_project(start: Path) -> Path:
    """The nearest folder, `start` or one above it, that has a local stack or a project file."""
    start = start.resolve()
    for folder in (start, *start.parents):
        if (folder / ".ontem").is_dir() or (folder / "pyproject.toml").is_file():
            return folder
    return start
