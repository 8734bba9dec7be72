"""JSON text read strictly: one meaning per text, or a refusal that names the field."""

import json
import re
from typing import Final

from service.errors import BodyUnreadable, FieldRefused

MAX_DEPTH: Final = 8
"""An order needs 3: the object, its items, an item."""

SHOWN_NAME: Final = 64
"""How much of a field name of the client's own making an answer repeats."""

_OPENINGS_SURELY_SAFE: Final = 100
_STRUCTURE: Final = re.compile(rb'"(?:[^"\\]|\\.?)*"?|[\[\]{}]', re.DOTALL)
"""A text, even one without an end (so that the search is linear), or a bracket."""


def decode(content: bytes) -> object:
    """The value that JSON text stands for. Numbers with a fraction or an exponent are floats.

    Raises:
        BodyUnreadable: it is not one JSON value in UTF-8, or is nested deeper than MAX_DEPTH.
        FieldRefused: a name comes twice, or a text is none that a database can hold.
    """
    _refuse_depth(content)
    try:
        return json.loads(content.decode("utf-8"), object_pairs_hook=_object)
    except UnicodeDecodeError as cause:
        raise BodyUnreadable(f"the body is not UTF-8 from byte {cause.start} on") from None
    except json.JSONDecodeError as cause:
        raise BodyUnreadable(f"the body is not JSON from character {cause.pos} on") from None
    except ValueError:  # Python refuses to read an integer of thousands of digits
        raise BodyUnreadable("the body has a number with thousands of digits") from None


def shown(name: str) -> str:
    """A field name as an answer may repeat it: short, and without what JSON can't carry."""
    return name[:SHOWN_NAME].encode("utf-8", "replace").decode("utf-8")


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise FieldRefused(shown(twice), "it comes more than once: send it once")
    for name, value in pairs:
        if not _storable(name) or (isinstance(value, str) and not _storable(value)):
            raise FieldRefused(shown(name), "it has U+0000 or half of a surrogate pair")
    return fields


def _storable(text: str) -> bool:
    if "\0" in text:
        return False
    try:
        return text.isascii() or bool(text.encode("utf-8"))
    except UnicodeEncodeError:
        return False


def _refuse_depth(content: bytes) -> None:
    """Stop what would exhaust the parser's stack; brackets inside of texts don't count."""
    if content.count(b"[") + content.count(b"{") <= _OPENINGS_SURELY_SAFE:
        return
    depth = 0
    for token in _STRUCTURE.finditer(content):
        mark = token[0][0]
        depth += (mark in b"[{") - (mark in b"]}")
        if depth > MAX_DEPTH:
            raise BodyUnreadable(f"the body is nested deeper than {MAX_DEPTH}")
