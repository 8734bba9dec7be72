"""JSON text read strictly: one meaning per text, or a refusal that names the field."""

import json
import re
from typing import Final

from service.errors import BodyUnreadable, FieldRefused

MAX_DEPTH: Final = 8
"""An order needs 3: the object, its items, an item."""

MAX_NAME_LENGTH: Final = 64
"""How many characters of an unknown field's name a refusal repeats."""

_UNSTORABLE: Final = "contains U+0000 or half of a surrogate pair"

_HARMLESS_BRACKETS: Final = 100
"""So few opening brackets can't exhaust the parser's stack, however they are nested."""

_TEXT_OR_BRACKET: Final = re.compile(rb'"(?:[^"\\]|\\.?)*"?|[\[\]{}]', re.DOTALL)
"""A text, even one that does not end (so that the search takes linear time), or a bracket."""


def decode(content: bytes) -> object:
    """The value of a JSON text. Numbers with a fraction or an exponent are floats.

    Raises:
        BodyUnreadable: it is not one JSON value in UTF-8, or is nested deeper than MAX_DEPTH.
        FieldRefused: a name appears twice, or its text can't be stored in a database.
    """
    _refuse_depth(content)
    try:
        value = json.loads(content.decode("utf-8"), object_pairs_hook=_object)
    except UnicodeDecodeError as cause:
        raise BodyUnreadable(f"the body is not UTF-8 from byte {cause.start} on") from None
    except json.JSONDecodeError as cause:
        raise BodyUnreadable(f"the body is not JSON from character {cause.pos} on") from None
    except ValueError:  # Python refuses to read an integer of thousands of digits
        raise BodyUnreadable("the body has a number with thousands of digits") from None
    if not _is_storable(value):
        raise BodyUnreadable(f"the body {_UNSTORABLE}")
    return value


def safe_name(name: str) -> str:
    """A client's field name as a refusal may repeat it: short, and with only valid characters."""
    return name[:MAX_NAME_LENGTH].encode("utf-8", "replace").decode("utf-8")


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields: dict[str, object] = {}
    for name, value in pairs:
        if name in fields:
            raise FieldRefused(safe_name(name), "it appears more than once: send it once")
        if not _is_storable(name) or not _is_storable(value):
            raise FieldRefused(safe_name(name), f"it {_UNSTORABLE}")
        fields[name] = value
    return fields


def _is_storable(value: object) -> bool:
    """Whether a database can store each text in `value`; objects in it were looked at before."""
    if isinstance(value, list):
        return all(_is_storable(item) for item in value)
    if not isinstance(value, str):
        return True
    if "\0" in value:
        return False
    try:
        return value.isascii() or bool(value.encode("utf-8"))
    except UnicodeEncodeError:
        return False


def _refuse_depth(content: bytes) -> None:
    """Refuse what would exhaust the parser's stack; brackets inside texts don't count."""
    if content.count(b"[") + content.count(b"{") <= _HARMLESS_BRACKETS:
        return
    depth = 0
    for token in _TEXT_OR_BRACKET.finditer(content):
        first_byte = token[0][0]
        depth += (first_byte in b"[{") - (first_byte in b"]}")
        if depth > MAX_DEPTH:
            raise BodyUnreadable(f"the body is nested deeper than {MAX_DEPTH}")
