"""Phone numbers; one without a country code is Brazilian."""

import re
from functools import cache
from typing import Final

import phonenumbers

from features_pkg.orders.normalising.texts import DASHES

HOME_COUNTRY = "BR"
_SEPARATORS = str.maketrans("", "", " ()-./" + DASHES)
MOBILE: Final = "[1-9][1-9]9[0-9]{8}"
"""A pattern of Brazilian mobile numbers, nearly all that occur, without the country's code."""
_MOBILE = re.compile(rf"(?:\+55|(?!55))({MOBILE})")
"""The library gives the same, far slower."""
_HOME_FROM_ABROAD = re.compile(r"0055(0?[1-9][1-9][0-9]{8,9})")
"""A Brazilian number as it is dialled from abroad. The library takes `0055` for the code of a
carrier (55) that is dialled before a foreign number, and `51` after it for Peru."""
_NOTHING = "(?!)"
_DIGITS = re.compile(r"\+?[0-9]{3,17}")


def canonical_phone(text: str) -> str:
    """E.164 where the clean text can be a number; else its bare digits; else the text unchanged.

    A number of a possible length is written in E.164 even where no such number is assigned. An
    extension is left out.
    """
    bare = text.translate(_SEPARATORS)
    from_abroad = _HOME_FROM_ABROAD.fullmatch(bare)
    if from_abroad:
        bare = f"+55{from_abroad[1]}"
    mobile = _MOBILE.fullmatch(bare)
    if mobile:
        return f"+55{mobile[1]}"
    canonical = _e164(bare if _DIGITS.fullmatch(bare) else text)
    # Each round removes one trunk prefix, so that the result is the same when normalised again.
    while (shorter := _e164(canonical)) != canonical:
        canonical = shorter
    return canonical


def is_valid_phone(canonical: str) -> bool:
    """Whether the numbering plan of its country assigns such a number."""
    mobile = _MOBILE.fullmatch(canonical)
    if mobile and assigned_mobile().fullmatch(mobile[1]):
        return True
    number = _parse(canonical)
    return number is not None and phonenumbers.is_valid_number(number)


@cache
def assigned_mobile() -> re.Pattern[str]:
    """The library's own pattern of the mobile numbers that Brazil assigns, without `+55`."""
    plan = phonenumbers.PhoneMetadata.metadata_for_region(HOME_COUNTRY)
    mobile = plan and plan.mobile
    return re.compile((mobile and mobile.national_number_pattern) or _NOTHING)


def _e164(text: str) -> str:
    """The number in E.164, or the text unchanged where it can't be a number."""
    number = _parse(text)
    if number is None or not phonenumbers.is_possible_number(number):
        return text
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _parse(text: str) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(text, HOME_COUNTRY)
    except phonenumbers.NumberParseException:
        return None
