"""In which CEPs a Brazilian area code (DDD) lies: ANATEL's codes against the Correios' CEPs."""

from __future__ import annotations

from typing import Final

_BY_AREA: Final[dict[str, tuple[str, ...]]] = {
    **dict.fromkeys(("11", "12", "13", "14", "15", "16", "17", "18", "19"), ("0", "1")),
    **dict.fromkeys(("21", "22", "24", "27", "28"), ("2",)),
    **dict.fromkeys(("31", "32", "33", "34", "35", "37", "38"), ("3",)),
    **dict.fromkeys(("71", "73", "74", "75", "77", "79"), ("4",)),
    **dict.fromkeys(("81", "82", "83", "84", "87"), ("5",)),
    **dict.fromkeys(("85", "86", "88", "89", "91", "92", "93", "94", "95"), ("6",)),
    **dict.fromkeys(("96", "97", "98", "99", "68"), ("6",)),
    **dict.fromkeys(("61", "62", "63", "64", "65", "66", "67", "69"), ("7",)),
    **dict.fromkeys(("41", "42", "43", "44", "45", "46", "47", "48", "49"), ("8",)),
    **dict.fromkeys(("51", "53", "54", "55"), ("9",)),
}


def zip_code_regions(phone: str) -> tuple[str, ...] | None:
    """First digits of the CEPs in the area of an E.164 phone number; None outside Brazil."""
    return _BY_AREA.get(phone[3:5]) if phone.startswith("+55") else None
