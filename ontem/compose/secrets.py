"""The secrets of a stack of containers: made at its first start, and kept from then on."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from ontem.compose.errors import SecretsLost, SecretsUnusable
from ontem.variables import fixed_variables, write_variables
from stores.env_file import read_env_file

ENV: Final = "env"
"""The file for ONTEM_ENV_FILE: its owner alone may read it."""
FILES: Final = ("postgres-admin", "postgres", "redis", "redis.conf", "s3.properties")
"""What the servers read. They are written after the file of variables."""
OWN, SHARED = 0o600, 0o644
"""PostgreSQL and Redis run as users of their own, who read what is shared with them."""
POSTGRES, REDIS, S3_ID, S3_SECRET = (
    "ONTEM_POSTGRES_URL",
    "ONTEM_REDIS_URL",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StackAddresses:
    """Where containers find each other: `host:port` of both servers, and the offline store."""

    postgres: str
    redis: str
    storage_url: str


def make_secrets(folder: Path, addresses: StackAddresses) -> tuple[str, ...]:
    """Write the files of secrets that are missing or incomplete into `folder`; their names.

    A secret that was made before stays: with another one the data would be closed. Raises
    SecretsUnusable, SecretsLost, and SettingsError for a file of variables that can't be read.
    """
    try:
        path = folder / ENV
        known = read_env_file(path) if path.exists() else {}
        if any((folder / name).exists() for name in FILES):
            _refuse_a_loss(path, known)
        variables = _variables(known, addresses)
        written = []
        if variables != known:
            write_variables(path, variables)
            written.append(ENV)
        for name, (mode, text) in _files_of_servers(variables).items():
            if not _has(folder / name, text):
                _write(folder / name, mode, secrets.token_hex(16) if text is None else text)
                written.append(name)
    except OSError as error:
        raise SecretsUnusable(folder, error.strerror or type(error).__name__) from error
    return tuple(written)


def _refuse_a_loss(path: Path, known: Mapping[str, str]) -> None:
    """Refuse what lacks a secret that was written before the files of servers were."""
    present = {
        **{name: _password(known.get(name, "")) for name in (POSTGRES, REDIS)},
        **{name: known.get(name) for name in (S3_ID, S3_SECRET)},
    }
    for name, secret in present.items():
        if not secret:
            raise SecretsLost(path, name)


def _password(url: str) -> str | None:
    try:
        return urlsplit(url).password
    except ValueError:
        return None


def _variables(known: Mapping[str, str], addresses: StackAddresses) -> dict[str, str]:
    """What `ontem up` would write, and what the servers of containers need beside it."""
    passwords = [_password(known.get(name, "")) for name in (POSTGRES, REDIS)]
    postgres, redis = (password or secrets.token_hex(16) for password in passwords)
    servers = {
        POSTGRES: f"postgresql://ontem:{postgres}@{addresses.postgres}/ontem",
        REDIS: f"redis://:{redis}@{addresses.redis}/0",
        "ONTEM_STORAGE_URL": addresses.storage_url,
    }
    s3 = {S3_ID: secrets.token_hex(8), S3_SECRET: secrets.token_hex(16)}
    return {**s3, **fixed_variables(addresses.storage_url, known), **servers}


def _files_of_servers(variables: Mapping[str, str]) -> dict[str, tuple[int, str | None]]:
    """The modes and the texts of the other files; a text of None is a secret of its own."""
    redis = urlsplit(variables[REDIS]).password
    return {
        "postgres-admin": (SHARED, None),
        "postgres": (SHARED, urlsplit(variables[POSTGRES]).password),
        "redis": (SHARED, redis),
        "redis.conf": (SHARED, f"requirepass {redis}\n"),
        "s3.properties": (
            OWN,
            f"s3proxy.identity={variables[S3_ID]}\ns3proxy.credential={variables[S3_SECRET]}\n",
        ),
    }


def _has(path: Path, text: str | None) -> bool:
    """Whether the file is there with that text, or with any."""
    if not path.exists():
        return False
    present = path.read_text(encoding="utf-8", errors="replace")
    return bool(present) if text is None else present == text


def _write(path: Path, mode: int, text: str) -> None:
    """Replace the file at once."""
    draft = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWN)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    draft.chmod(mode)  # whatever the umask is
    draft.replace(path)
