"""`.ontem/env`: what the local stack tells the processes of its project."""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from stores.settings import ENTITY_KEY_BYTES


def write_variables(path: Path, variables: Mapping[str, str]) -> None:
    """Put the file in place at once, readable by its owner alone."""
    fresh = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write("# Written by `ontem up`; a variable of the real environment wins.\n")
        file.writelines(f"{name}={value}\n" for name, value in variables.items())
    fresh.replace(path)


def fixed_variables(home: Path, known: Mapping[str, str]) -> dict[str, str]:
    """What does not depend on the servers; a value that is `known` stays, the key above all."""
    fresh = {
        "ONTEM_ENVIRONMENT": "development",
        "ONTEM_STORAGE_URL": (home / "storage").as_uri(),
        "ONTEM_ENTITY_KEY": secrets.token_hex(ENTITY_KEY_BYTES),
    }
    return {**fresh, **known}
