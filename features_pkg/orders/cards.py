"""Numbers of cards, which are never stored: what one is, and the fingerprint that replaces it."""

from __future__ import annotations

import re
import unicodedata
from hashlib import blake2b
from typing import Final

from features_pkg.errors import OrdersRefused
from features_pkg.identifiers import Identifier

FINGERPRINT: Final = "card_fp_"
"""How a fingerprint begins; its bytes follow in hexadecimal digits."""
FINGERPRINT_BYTES: Final = 16
FEWEST_DIGITS: Final = 13
MOST_DIGITS: Final = 19
LEAST_KEY_BYTES: Final = 16
KEY_ID_BYTES: Final = 6

_DOMAIN: Final = b"ontem card 1"
_SEPARATORS: Final = re.compile("[ \\-\u2010-\u2015\u2212\ufe58\ufe63\uff0d]")
_WORD: Final = re.compile(r"\w+")
_ISSUERS: Final = re.compile(
    "4"  # Visa, and many of Elo
    "|5[0-8]"  # Mastercard, Maestro, Elo, Aura
    "|6"  # Maestro, Elo, Hipercard, Discover, UnionPay, RuPay
    "|3[04-9]"  # Diners, American Express, JCB, Hipercard
    "|222[1-9]|22[3-9]|2[3-6]|27[01]|2720"  # Mastercard
    "|220[0-4]"  # Mir
    "|8[12]"  # UnionPay, RuPay
    "|9792"  # Troy
)
"""The first digits that issuers of payment cards have, taken wide: a number that is missed lies in
clear, while a token that is taken for one is counted all the same, under its fingerprint."""


class CardKeyMissing(OrdersRefused):
    """A card's number, and no key to make the fingerprint that replaces it."""

    def __init__(self) -> None:
        super().__init__(
            "has the number of a card, which is never stored: give the card key, the secret of the "
            "fingerprint that replaces it, or tokens",
            column=Identifier.CARD.value,
        )


def is_card_number(text: str) -> bool:
    """Whether a text is the number of a payment card.

    That is 13 to 19 digits, blanks and hyphens aside, with an issuer's first digits, that pass the
    check of Luhn (ISO/IEC 7812-1). A tenth of all tokens of so many digits pass it by chance.

    >>> is_card_number("4111 1111 1111 1111"), is_card_number("4111 1111 1111 1112")
    (True, False)
    """
    return _digits(_SEPARATORS.sub("", text)) is not None


def without_card_number(text: str, key: bytes | None) -> str:
    """A canonical card as it may be stored: a fingerprint for a card's number, other texts as is.

    A number may have other words beside it, such as its expiry, which go with it; one within a
    word is none. A fingerprint is the keyed BLAKE2b (RFC 7693) of the digits: the same for the same
    digits and key, and without the key nobody can try all numbers. Idempotent.

    Raises CardKeyMissing for a card's number without a key, and ValueError for a key that is short.

    >>> key = bytes(range(32))
    >>> without_card_number("4111 1111 1111 1111", key)
    'card_fp_4ae502e106dc367d278b388c829a287b'
    >>> without_card_number("4111111111111111 12/28", key)
    'card_fp_4ae502e106dc367d278b388c829a287b'
    >>> without_card_number("tok_4111111111111111", key)
    'tok_4111111111111111'
    """
    digits = _card_digits(text)
    if digits is None:
        return text
    if key is None:
        raise CardKeyMissing
    if len(key) < LEAST_KEY_BYTES:
        raise ValueError(f"the card key has {len(key)} bytes: give at least {LEAST_KEY_BYTES}")
    mac = blake2b(digits.encode(), key=key, digest_size=FINGERPRINT_BYTES, person=_DOMAIN)
    return FINGERPRINT + mac.hexdigest()


def card_key_id(key: bytes) -> str:
    """A name for the card key, 12 hex digits, that does not give it away."""
    return blake2b(b"key id", key=key, digest_size=KEY_ID_BYTES, person=_DOMAIN).hexdigest()


def is_fingerprint(text: str | None) -> bool:
    """Whether a text is one that `without_card_number` makes of a card's number."""
    return text is not None and text.startswith(FINGERPRINT)


def _card_digits(text: str) -> str | None:
    """The digits of the card's number in a text, in ASCII; None where there is none.

    It is the whole text, or else words of digits that follow each other. The first such words are
    taken, and of those the fewest, so that an expiry after the number does not join it.
    """
    whole = _digits(_SEPARATORS.sub("", text))
    if whole is not None or sum(map(str.isdecimal, text)) < FEWEST_DIGITS:
        return whole
    words = _WORD.findall(text)
    for start in range(len(words)):
        digits = ""
        for word in words[start:]:
            digits += word
            if not word.isdecimal() or len(digits) > MOST_DIGITS:
                break
            if (found := _digits(digits)) is not None:
                return found
    return None


def _digits(bare: str) -> str | None:
    """The digits of a card's number, in ASCII; None for any other text."""
    if not (FEWEST_DIGITS <= len(bare) <= MOST_DIGITS and bare.isdecimal()):
        return None
    if not bare.isascii():  # digits of another script, such as the full-width ones
        bare = "".join(str(unicodedata.decimal(digit)) for digit in bare)
    return bare if _ISSUERS.match(bare) and _passes_luhn(bare) else None


def _passes_luhn(digits: str) -> bool:
    """Whether every second digit from the right, doubled, and the others sum to a multiple of ten.

    A doubled digit counts as the sum of its own digits: 7 becomes 14 and counts as 5.
    """
    doubled = "0246813579"
    odd, even = digits[-1::-2], digits[-2::-2]
    return (sum(map(int, odd)) + sum(int(doubled[int(digit)]) for digit in even)) % 10 == 0
