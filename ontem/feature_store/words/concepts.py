"""What a query can speak of."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """What a phrase says something about."""

    IDENTIFIER = "identifier"
    EVENT = "event"
    MEASURE = "measure"
    ORDER_FEATURE = "order feature"
    REASON = "reason"
    ROLE = "role"
    PAST = "past"


class Role(StrEnum):
    """What a word says of the identifier beside it."""

    TARGET = "many"
    SUBJECT = "this"
    NEW = "new"


class Said(StrEnum):
    """What a query asks to have measured; how many, if it does not say."""

    AMOUNT = "amount"
    FIRST = "first"
    LAST = "last"
    MEAN = "mean"
    UNUSUAL = "unusual"
    SHARE = "share"
    SPEED_UP = "speed-up"
    QUOTIENT = "quotient"
    DIFFERENCE = "difference"


class Entry(NamedTuple):
    """Phrases of both languages that mean one thing."""

    kind: Kind
    value: str
    english: str
    portuguese: str
