"""Phone numbers, in Brazil where they do not say otherwise."""

import re

import phonenumbers

HOME = "BR"
_SEPARATORS = str.maketrans("", "", " ()-./")
_MOBILE = re.compile(r"(?:\+55|(?!55))([1-9][1-9]9[0-9]{8})")
"""Brazilian mobile lines, nearly all of what is seen: the library says the same, far slower."""
_DIGITS = re.compile(r"\+?[0-9]{3,17}")


def canonical_phone(text: str) -> str:
    """E.164 when the clean text can be a number, else its bare digits, else the text itself.

    What has the length of a number is written as one even where no such line is in service; an
    extension is no part of the line.
    """
    bare = text.translate(_SEPARATORS)
    mobile = _MOBILE.fullmatch(bare)
    if mobile:
        return f"+55{mobile[1]}"
    canonical = _once(bare if _DIGITS.fullmatch(bare) else text)
    while (again := _once(canonical)) != canonical:  # each round takes a trunk prefix off
        canonical = again
    return canonical


def is_valid_phone(canonical: str) -> bool:
    """Whether such a number is assigned, by the numbering plan of its country."""
    number = _parse(canonical)
    return number is not None and phonenumbers.is_valid_number(number)


def _once(text: str) -> str:
    number = _parse(text)
    if number is None or not phonenumbers.is_possible_number(number):
        return text
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _parse(text: str) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(text, HOME)
    except phonenumbers.NumberParseException:
        return None
