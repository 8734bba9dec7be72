"""The secrets of a stack of containers: made at its first start, and kept from then on."""

import errno
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from ontem.compose.errors import SecretsLost, SecretsUnusable
from ontem.variables import file_of, fixed_variables, write_variables
from stores.env_file import read_env_file
from stores.postgres.service_role import SERVICE_ROLE
from stores.urls import with_login

ENV: Final = "env"
"""The file for ONTEM_ENV_FILE: its owner alone may read it."""
SERVERS: Final = ("postgres", "redis", "s3")
"""What they read is written after the file of all variables."""
READERS: Final = (*SERVERS, "steps", "service")
OWN, SHARED = 0o600, 0o644
"""PostgreSQL and Redis run as users of their own, who read what is shared with them."""
POSTGRES, REDIS, S3_ID, S3_SECRET = (
    "ONTEM_POSTGRES_URL",
    "ONTEM_REDIS_URL",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
)
SIGNING, LOGIN = "ONTEM_MODEL_SIGNING_KEY", "ONTEM_SERVICE_LOGIN"


@dataclass(frozen=True, slots=True, kw_only=True)
class StackAddresses:
    """Where containers find each other: `host:port` of both servers, and the offline store."""

    postgres: str
    redis: str
    storage_url: str


def folder_of(reader: str, folder: Path) -> Path:
    """The folder beside `folder`, a volume of its own, that has what one kind of container reads.

    The reader is one of READERS; `steps` are the jobs that train nothing.
    """
    return folder.with_name(f"{folder.name}-{reader}")


def make_secrets(folder: Path, addresses: StackAddresses) -> tuple[str, ...]:
    """Write the files of secrets that are missing or not the ones to have; their names.

    `folder` has all variables, also those that train models; each other kind of container has what
    it reads in `folder_of` it. A secret that was made before stays: with another one the data would
    be closed. Raises SecretsUnusable, SecretsLost, and SettingsError for a file of variables that
    can't be read.
    """
    _check_folders(folder)
    path, written = folder / ENV, []
    try:
        known = read_env_file(path) if path.exists() else {}
        if any(any(folder_of(server, folder).iterdir()) for server in SERVERS):
            _refuse_a_loss(path, known)
        variables = _variables(known, addresses)
        if variables != known:
            write_variables(path, variables)
            written.append(f"{folder.name}/{ENV}")
        for (reader, name), (mode, text) in _files_of_readers(variables).items():
            path = folder_of(reader, folder) / name
            if not _has(path, text):
                _write(path, mode, secrets.token_hex(16) if text is None else text)
                written.append(f"{path.parent.name}/{name}")
    except OSError as error:
        raise SecretsUnusable(path.parent, error.strerror or type(error).__name__) from error
    return tuple(written)


def _check_folders(folder: Path) -> None:
    for each in (folder, *(folder_of(reader, folder) for reader in READERS)):
        if not each.is_dir():
            raise SecretsUnusable(each, os.strerror(errno.ENOENT))


def _refuse_a_loss(path: Path, known: Mapping[str, str]) -> None:
    """Refuse what lacks a secret that was written before the files of servers were."""
    present = {
        **{name: _password(known.get(name, "")) for name in (POSTGRES, REDIS)},
        **{name: known.get(name) for name in (S3_ID, S3_SECRET, LOGIN)},
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
    made = {
        S3_ID: secrets.token_hex(8),
        S3_SECRET: secrets.token_hex(16),
        LOGIN: f"{SERVICE_ROLE}:{secrets.token_hex(16)}",
    }
    return {**made, **fixed_variables(addresses.storage_url, known), **servers}


def _files_of_readers(
    variables: Mapping[str, str],
) -> dict[tuple[str, str], tuple[int, str | None]]:
    """By reader and name, the mode and the text of a file; None stands for a secret of its own."""
    redis = urlsplit(variables[REDIS]).password
    return {
        ("postgres", "admin"): (SHARED, None),
        ("postgres", "password"): (SHARED, urlsplit(variables[POSTGRES]).password),
        ("postgres", "service"): (SHARED, variables[LOGIN].partition(":")[2]),
        ("redis", "password"): (SHARED, redis),
        ("redis", "redis.conf"): (SHARED, f"requirepass {redis}\n"),
        ("s3", "s3.properties"): (
            OWN,
            f"s3proxy.identity={variables[S3_ID]}\ns3proxy.credential={variables[S3_SECRET]}\n",
        ),
        ("steps", ENV): (OWN, file_of(_without(variables, SIGNING, LOGIN))),
        ("service", ENV): (OWN, file_of(_of_service(variables))),
    }


def _of_service(variables: Mapping[str, str]) -> dict[str, str]:
    """What the service knows: its own role in PostgreSQL, and neither S3 nor the key that signs."""
    url = with_login(variables[POSTGRES], variables[LOGIN])
    return {**_without(variables, SIGNING, "AWS_", LOGIN), POSTGRES: url}


def _without(variables: Mapping[str, str], *starts: str) -> dict[str, str]:
    return {name: text for name, text in variables.items() if not name.startswith(starts)}


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
