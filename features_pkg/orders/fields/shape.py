"""Refusals of msgspec, which checks the types of JSON values, in this project's words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from features_pkg.orders.fields.refusals import MISSING, ValueRefused
from features_pkg.orders.fields.strict_json import safe_name

_MESSAGE_PATH: Final = re.compile(r" - at `\$([^`]*)`$")
_MESSAGE_FIELD: Final = re.compile(r"(unknown|missing required) field `(.*)`", re.DOTALL)


def shape_refusal(
    message: str, rules: Mapping[str, str], otherwise: str, root: str = ""
) -> ValueRefused:
    """The refusal for a message of msgspec; it has none of the sender's values.

    `rules` says what a field must be, by its path without positions, such as `items[].quantity`;
    `otherwise` is the rule of all other fields. `root` is the path of what was converted.
    """
    path_match = _MESSAGE_PATH.search(message)
    path = (root + (path_match[1] if path_match else "")).removeprefix(".")
    field_match = _MESSAGE_FIELD.search(_MESSAGE_PATH.sub("", message))
    if field_match is None:
        return ValueRefused(path, rules.get(re.sub(r"\[\d+\]", "[]", path), otherwise))
    name = safe_name(field_match[2])
    field = f"{path}.{name}" if path else name
    unknown = field_match[1] == "unknown"
    return ValueRefused(field, "is not a known field: leave it out" if unknown else MISSING)
