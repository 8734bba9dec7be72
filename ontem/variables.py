"""The variables of a stack that Ontem makes, and writing their file, such as `.ontem/env`."""

import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path

from features_pkg.models.signing import SigningKey
from stores.variable_reader import KEY_BYTES


def write_variables(path: Path, variables: Mapping[str, str]) -> None:
    """Replace the file at once; only its owner may read it."""
    draft = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(file_of(variables))
    draft.replace(path)


def file_of(variables: Mapping[str, str]) -> str:
    """The text of a file of variables."""
    lines = "".join(f"{name}={value}\n" for name, value in variables.items())
    return f"# Written by Ontem; a variable of the real environment wins.\n{lines}"


def fixed_variables(storage_url: str, known: Mapping[str, str]) -> dict[str, str]:
    """The variables that do not depend on the servers, beside the `known` ones.

    A known value is never replaced: with another entity key nothing in Redis would be found.
    """
    defaults = {
        "ONTEM_ENVIRONMENT": "development",
        "ONTEM_STORAGE_URL": storage_url,
        "ONTEM_ENTITY_KEY": secrets.token_hex(KEY_BYTES),
    }
    return {**defaults, **known} | _model_keys(known)


def _model_keys(known: Mapping[str, str]) -> dict[str, str]:
    """A pair of keys for models, unless there are public ones: the secret one may be elsewhere."""
    if known.get("ONTEM_MODEL_VERIFY_KEYS"):
        return {}
    secret = known.get("ONTEM_MODEL_SIGNING_KEY", "")
    if secret and not re.fullmatch(rf"[0-9a-fA-F]{{{2 * KEY_BYTES}}}", secret):
        return {}  # whoever trains is told so
    return model_keys(bytes.fromhex(secret) or secrets.token_bytes(KEY_BYTES))


def model_keys(seed: bytes) -> dict[str, str]:
    """The variables of the pair of keys for models that a seed makes."""
    return {
        "ONTEM_MODEL_SIGNING_KEY": seed.hex(),
        "ONTEM_MODEL_VERIFY_KEYS": SigningKey(seed).public.hex(),
    }
