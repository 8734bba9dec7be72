"""JSON text read strictly: one meaning per text, or a refusal that names the field."""

import json
import re
from collections.abc import Callable
from typing import Final

from features_pkg.orders.fields.refusals import UNSTORABLE, ValueRefused

MAX_DEPTH: Final = 8
"""An order needs 3: the object, its items, an item."""

MAX_NAME_LENGTH: Final = 64
"""How many characters of an unknown field's name a refusal repeats."""

_HARMLESS_BRACKETS: Final = 100
"""So few opening brackets can't exhaust the parser's stack, however they are nested."""

_TEXT_OR_BRACKET: Final = re.compile(r'"(?:[^"\\]|\\.?)*"?|[\[\]{}]', re.DOTALL)
"""A text, even one that does not end (so that the search takes linear time), or a bracket."""


class JsonUnreadable(ValueError):
    """A text that is not one JSON value; the message continues a sentence about the text."""


def decode(text: str, root: str = "") -> object:
    """The value of a JSON text. Numbers with a fraction or an exponent are floats.

    `root` is the path of the value, for the refusals of what is in it.

    Raises:
        JsonUnreadable: it is not one JSON value, or is nested deeper than MAX_DEPTH.
        ValueRefused: a name appears twice, or its text can't be stored in a database.
    """
    _refuse_depth(text)
    try:
        value = _loads(text, _object)
    except ValueRefused as refused:  # where the object is was not known
        repeated = _repeated_path(_loads(text, _Pairs), root)
        raise ValueRefused(repeated or refused.field, refused.reason) from None
    # Without an escape no part has what the whole text lacks, and nearly all have none.
    path = _unstorable_path(value, root) if "\\u" in text or not _is_storable(text) else None
    if path:
        raise ValueRefused(path, UNSTORABLE)
    if path is not None:
        raise JsonUnreadable(UNSTORABLE)
    return value


def _loads(text: str, object_of: Callable[[list[tuple[str, object]]], object]) -> object:
    try:
        return json.loads(text, object_pairs_hook=object_of)
    except json.JSONDecodeError as cause:
        raise JsonUnreadable(f"is not JSON from character {cause.pos} on") from None
    except ValueRefused:
        raise
    except ValueError:  # Python refuses to read an integer of thousands of digits
        raise JsonUnreadable("has a number with thousands of digits") from None


def safe_name(name: str) -> str:
    """A sender's field name as a refusal may repeat it: short, and with only valid characters."""
    return name[:MAX_NAME_LENGTH].encode("utf-8", "replace").decode("utf-8")


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields: dict[str, object] = {}
    for name, value in pairs:
        if name in fields:
            raise ValueRefused(safe_name(name), "appears more than once: send it once")
        fields[name] = value
    return fields


class _Pairs(tuple[tuple[str, object], ...]):
    """Names and values of an object as they were sent, with those of a name that appears twice."""

    __slots__ = ()


def _repeated_path(value: object, path: str) -> str | None:
    """Where in `value`, which is at `path`, the first name is that appears twice in an object."""
    if isinstance(value, _Pairs):
        names = set[str]()
        for name, field in value:
            field_path = _field_path(path, name)
            if name in names:
                return field_path
            names.add(name)
            if (repeated := _repeated_path(field, field_path)) is not None:
                return repeated
    if isinstance(value, list):
        for position, item in enumerate(value):
            if (repeated := _repeated_path(item, f"{path}[{position}]")) is not None:
                return repeated
    return None


def _field_path(path: str, name: str) -> str:
    return f"{path}.{safe_name(name)}" if path else safe_name(name)


def _unstorable_path(value: object, path: str) -> str | None:
    """Where in `value`, which is at `path`, the first text is that no database can store."""
    if isinstance(value, str):
        return None if _is_storable(value) else path
    if isinstance(value, dict):
        for name, field in value.items():
            field_path = _field_path(path, name)
            if not _is_storable(name):
                return field_path
            if (unstorable := _unstorable_path(field, field_path)) is not None:
                return unstorable
    if isinstance(value, list):
        for position, item in enumerate(value):
            if (unstorable := _unstorable_path(item, f"{path}[{position}]")) is not None:
                return unstorable
    return None


def _is_storable(text: str) -> bool:
    if "\0" in text:
        return False
    try:
        return text.isascii() or bool(text.encode("utf-8"))
    except UnicodeEncodeError:
        return False


def _refuse_depth(text: str) -> None:
    """Refuse what would exhaust the parser's stack; brackets inside texts don't count."""
    if text.count("[") + text.count("{") <= _HARMLESS_BRACKETS:
        return
    depth = 0
    for token in _TEXT_OR_BRACKET.finditer(text):
        first = token[0][0]
        depth += (first in "[{") - (first in "]}")
        if depth > MAX_DEPTH:
            raise JsonUnreadable(f"is nested deeper than {MAX_DEPTH}")
