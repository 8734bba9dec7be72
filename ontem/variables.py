"""The variables of a stack that Ontem makes, and writing their file, such as `.ontem/env`."""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from stores.settings import ENTITY_KEY_BYTES


def write_variables(path: Path, variables: Mapping[str, str]) -> None:
    """Replace the file at once; only its owner may read it."""
    draft = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write("# Written by Ontem; a variable of the real environment wins.\n")
        file.writelines(f"{name}={value}\n" for name, value in variables.items())
    draft.replace(path)


def fixed_variables(storage_url: str, known: Mapping[str, str]) -> dict[str, str]:
    """The variables that do not depend on the servers, beside the `known` ones.

    A known value is never replaced: with another entity key nothing in Redis would be found.
    """
    defaults = {
        "ONTEM_ENVIRONMENT": "development",
        "ONTEM_STORAGE_URL": storage_url,
        "ONTEM_ENTITY_KEY": secrets.token_hex(ENTITY_KEY_BYTES),
    }
    return {**defaults, **known}
