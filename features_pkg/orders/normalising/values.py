"""One value of one identifier: its canonical text, and whether that is valid."""

from collections.abc import Callable
from functools import lru_cache
from typing import Final

from features_pkg.orders.normalising.documents import canonical_document, is_valid_document
from features_pkg.orders.normalising.emails import canonical_email, is_valid_email
from features_pkg.orders.normalising.ips import canonical_ip, is_valid_ip
from features_pkg.orders.normalising.phones import canonical_phone, is_valid_phone
from features_pkg.orders.normalising.placeholders import is_placeholder
from features_pkg.orders.normalising.texts import clean, without_fraction
from features_pkg.orders.normalising.zip_codes import canonical_zip_code, is_valid_zip_code

NORMALISERS_VERSION: Final = 2
"""Counted up when a value gets another canonical text; part of every feature set's id."""

CACHED_VALUES: Final = 1 << 16
_OF_DIGITS: Final = frozenset({"document", "phone", "zip_code", "card"})
"""The identifiers that tables hold as numbers, and then write as `1310100.0`."""
_CANONICAL: Final[dict[str, Callable[[str], str]]] = {
    "document": canonical_document,
    "email": canonical_email,
    "phone": canonical_phone,
    "zip_code": canonical_zip_code,
    "ip": canonical_ip,
}
_VALID: Final[dict[str, Callable[[str], bool]]] = {
    "document": is_valid_document,
    "email": is_valid_email,
    "phone": is_valid_phone,
    "zip_code": is_valid_zip_code,
    "ip": is_valid_ip,
}


@lru_cache(maxsize=CACHED_VALUES)
def normalise_value(identifier: str, text: str) -> str | None:
    """The canonical text of one value, or None for a placeholder. Idempotent; never raises."""
    cleaned = clean(text)
    if identifier in _OF_DIGITS:
        cleaned = without_fraction(cleaned)
    if is_placeholder(identifier, cleaned):
        return None
    canonical = _CANONICAL.get(identifier)
    if canonical is None:
        return cleaned
    value = canonical(cleaned)
    return None if is_placeholder(identifier, value) else value


@lru_cache(maxsize=CACHED_VALUES)
def is_valid(identifier: str, canonical: str) -> bool:
    """Whether a canonical value can exist, such as a document with right check digits.

    Users, devices, cards, sellers and products have no rule, so every one is valid.
    """
    rule = _VALID.get(identifier)
    return True if rule is None else rule(canonical)
