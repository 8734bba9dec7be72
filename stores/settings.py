"""The settings of one process: read from the environment once, then passed on as values."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Literal, cast

from stores.env_file import ENV_FILE, read_env_file
from stores.urls import with_login
from stores.variable_reader import VariableReader

Environment = Literal["development", "production"]

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a process is configured with. Its repr has no secret and no address."""

    environment: Environment
    postgres_url: str = field(repr=False)
    service_login: str = field(default="", repr=False)
    """`role:password`, as which the service enters PostgreSQL; empty: as `postgres_url` says."""
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
    model_signing_key: bytes = field(default=b"", repr=False)
    """The secret key that signs what training makes; empty where nothing is trained."""
    model_verify_keys: tuple[bytes, ...] = ()
    """The public keys of those whose models are served here."""
    log_level: str = "INFO"

    @property
    def service_postgres_url(self) -> str:
        """The URL with which the service enters PostgreSQL."""
        return with_login(self.postgres_url, self.service_login)

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> "Settings":
        """The settings in `environ`; an empty variable counts as not set.

        Raises SettingsError, which names the first variable that is missing or malformed.
        """
        read = VariableReader(environ)
        return cls(
            environment=cast(
                Environment,
                read.one_of("ONTEM_ENVIRONMENT", ("development", "production"), "production"),
            ),
            postgres_url=read.postgres_url(),
            service_login=read.login("ONTEM_SERVICE_LOGIN"),
            redis_url=read.url("ONTEM_REDIS_URL", ("redis", "rediss")),
            storage_url=read.storage_url("ONTEM_STORAGE_URL"),
            catalogue=cast(
                Literal["postgres", "glue"],
                read.one_of("ONTEM_CATALOGUE", ("postgres", "glue"), "postgres"),
            ),
            s3_endpoint=read.s3_endpoint(),
            s3_region=read.s3_region(),
            entity_secret=read.key("ONTEM_ENTITY_KEY"),
            card_key=read.key("ONTEM_CARD_KEY", default="ONTEM_ENTITY_KEY"),
            timezone=read.business_timezone(),
            snapshot_lag=read.snapshot_lag(),
            max_stale_days=read.whole("MAX_STALE_DAYS", default=2, most=30),
            label_maturity=timedelta(
                days=read.whole("LABEL_MATURITY_DAYS", default=60, most=3_650)
            ),
            model_path=read.path("ONTEM_MODEL"),
            model_signing_key=read.signing_key("ONTEM_MODEL_SIGNING_KEY"),
            model_verify_keys=read.verify_keys("ONTEM_MODEL_VERIFY_KEYS"),
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


def find_project(start: Path) -> Path:
    """The nearest folder, `start` or one above it, that has a local stack or a project file."""
    start = start.resolve()
    for folder in (start, *start.parents):
        if (folder / ".ontem").is_dir() or (folder / "pyproject.toml").is_file():
            return folder
    return start
