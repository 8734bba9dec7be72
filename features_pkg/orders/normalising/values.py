"""One text of one identifier: its canonical text, and whether that is a valid one."""

from collections.abc import Callable
from functools import lru_cache
from typing import Final

from features_pkg.orders.normalising.documents import canonical_document, is_valid_document
from features_pkg.orders.normalising.emails import canonical_email, is_valid_email
from features_pkg.orders.normalising.ips import canonical_ip, is_valid_ip
from features_pkg.orders.normalising.phones import canonical_phone, is_valid_phone
from features_pkg.orders.normalising.placeholders import is_placeholder
from features_pkg.orders.normalising.texts import clean
from features_pkg.orders.normalising.zip_codes import canonical_zip_code, is_valid_zip_code

NORMALISERS_VERSION: Final = 1
"""Part of every feature set's id: counts of differently written values do not mean the same."""

REMEMBERED: Final = 1 << 16
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


@lru_cache(maxsize=REMEMBERED)
def normalise_value(identifier: str, text: str) -> str | None:
    """The canonical text of one value, or None for a placeholder. Idempotent; refuses nothing."""
    tidy = clean(text)
    if is_placeholder(identifier, tidy):
        return None
    canonical = _CANONICAL.get(identifier)
    if canonical is None:
        return tidy
    value = canonical(tidy)
    return None if is_placeholder(identifier, value) else value


@lru_cache(maxsize=REMEMBERED)
def is_valid(identifier: str, canonical: str) -> bool:
    """Whether a canonical value is a real one of its kind.

    A user, device, card or product has no rule to break, so each is valid.
    """
    rule = _VALID.get(identifier)
    return True if rule is None else rule(canonical)


def document(text: str) -> str | None:
    """The canonical CPF, CNPJ or other document."""
    return normalise_value("document", text)


def email(text: str) -> str | None:
    """The canonical e-mail address."""
    return normalise_value("email", text)


def phone(text: str) -> str | None:
    """The canonical phone number."""
    return normalise_value("phone", text)


def zip_code(text: str) -> str | None:
    """The canonical CEP."""
    return normalise_value("zip_code", text)


def ip(text: str) -> str | None:
    """The canonical internet address."""
    return normalise_value("ip", text)


def user(text: str) -> str | None:
    """The user as clean text."""
    return normalise_value("user", text)


def device(text: str) -> str | None:
    """The device as clean text."""
    return normalise_value("device", text)


def card(text: str) -> str | None:
    """The card token as clean text."""
    return normalise_value("card", text)


def product(text: str) -> str | None:
    """The product as clean text."""
    return normalise_value("product", text)
