"""The identifiers that an order has one of: any text that can be stored, made canonical."""

from __future__ import annotations

from features_pkg.identifiers import Identifier
from features_pkg.orders.cards import without_card_number
from features_pkg.orders.fields.refusals import UNSTORABLE, ValueRefused
from features_pkg.orders.limits import LONGEST_TEXT
from features_pkg.orders.normalising.values import normalise_value


def read_identifier(identifier: str, text: str | None, field: str | None = None) -> str | None:
    """The canonical text; None for a placeholder or no text. `field` is what a refusal names.

    Raises ValueRefused: more than 512 characters, as sent or canonical, or U+0000.
    """
    if text is None:
        return None
    if "\0" in text:
        raise ValueRefused(field or identifier, UNSTORABLE)
    canonical = normalise_value(identifier, text) if len(text) <= LONGEST_TEXT else text
    if canonical is not None and len(canonical) > LONGEST_TEXT:
        raise ValueRefused(field or identifier, f"has more than {LONGEST_TEXT} characters")
    return canonical


def read_card(text: str | None, card_key: bytes | None) -> str | None:
    """As `read_identifier`, with a keyed fingerprint in the place of a card's number.

    Raises ValueRefused, and CardKeyMissing for a card's number when `card_key` is None.
    """
    canonical = read_identifier(Identifier.CARD, text)
    return None if canonical is None else without_card_number(canonical, card_key)
