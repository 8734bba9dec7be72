"""Windows in words: "in the last hour", "em 24 horas", "um mês", "7 days ago"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ontem.feature_store.words.tokens import singulars

DAY: Final = 86_400
UNITS: Final = {
    **dict.fromkeys(("s", "sec", "second", "segundo"), 1),
    **dict.fromkeys(("m", "min", "minute", "minuto"), 60),
    **dict.fromkeys(("h", "hour", "hora", "hr"), 3_600),
    **dict.fromkeys(("d", "day", "dia"), DAY),
    **dict.fromkeys(("week", "semana"), 7 * DAY),
    **dict.fromkeys(("fortnight", "quinzena"), 15 * DAY),
    **dict.fromkeys(("month", "mes"), 30 * DAY),
    **dict.fromkeys(("quarter", "trimestre"), 90 * DAY),
    **dict.fromkeys(("semester", "semestre"), 180 * DAY),
    **dict.fromkeys(("year", "ano"), 365 * DAY),
}
"""Seconds of a unit."""
_ONE: Final = ("a", "an", "one", "um", "uma", "num", "numa")
_MORE: Final = (
    ("two", "dois", "duas"),
    ("three", "tres"),
    ("four", "quatro"),
    ("five", "cinco"),
    ("six", "seis"),
    ("seven", "sete"),
    ("eight", "oito"),
    ("nine", "nove"),
    ("ten", "dez"),
)
_OTHERS: Final = {
    "half": 0.5,
    "meia": 0.5,
    "meio": 0.5,
    "fifteen": 15,
    "quinze": 15,
    "twenty": 20,
    "vinte": 20,
    "thirty": 30,
    "trinta": 30,
    "sixty": 60,
    "sessenta": 60,
    "ninety": 90,
    "noventa": 90,
}
NUMBERS: Final = {
    **dict.fromkeys(_ONE, 1.0),
    **{word: float(number) for number, words in enumerate(_MORE, start=2) for word in words},
    **_OTHERS,
}
_LATEST: Final = frozenset(
    """
    last past previous this latest recent per each every
    ultimo ultima passado passada neste nesta deste desta este esta por cada
    """.split()  # noqa: SIM905  a list of words reads better as words
)
"""Words before a unit, or a number of them."""
_JOINED: Final = re.compile(r"([0-9]+)([a-z]+)")
_FIXED: Final = {
    ("today",): "since_cutoff",
    ("hoje",): "since_cutoff",
    ("since", "cutoff"): "since_cutoff",
    ("known", "since", "cutoff"): "since_cutoff",  # "known since" alone speaks of an age
    ("since", "midnight"): "since_cutoff",
    ("desde", "corte"): "since_cutoff",
    ("yesterday",): "1d",
    ("ontem",): "1d",
    ("ever",): "ever",
    ("lifetime",): "ever",
    ("always",): "ever",
    ("all", "time"): "ever",
    ("all", "days"): "ever",
    ("todos", "dias"): "ever",
    ("sempre",): "ever",
    ("alguma", "vez"): "ever",
    ("na", "vida"): "ever",
}
_DELAY_AFTER: Final = frozenset(
    "ago old earlier delay late lag atraso defasagem atras".split()  # noqa: SIM905
)
_DELAY_BEFORE: Final = frozenset(
    """
    delay delayed older excluding without lag end ends ending
    atraso defasagem sem excluindo ha termina terminam
    """.split()  # noqa: SIM905
)
_ARTICLES: Final = frozenset(("the", "o", "a", "os", "as"))
_WHOLE: Final = frozenset(("whole", "full", "civil", "calendar", "inteiro", "completo"))
_LINKS: Final = ("de", "of", "a", "do")


@dataclass(frozen=True, slots=True)
class SpanFound:
    """A span of time at some position of a query: how many words of it, and what they say.

    `window` is a window's own word where that has no length (`ever`, `since_cutoff`, `1d` for
    yesterday); `is_delay` says that the window ends so long ago.
    """

    words: int
    seconds: float | None
    window: str = ""
    is_delay: bool = False


def span_at(tokens: Sequence[str], position: int) -> SpanFound | None:
    """The span of time that begins at a position of the query; None where none does."""
    found = _fixed(tokens, position) or _counted(tokens, position)
    if found is None:
        return None
    words_before = tokens[max(0, position - 3) : position]
    return _with_delay(found, words_before, tokens[position + found.words :][:3])


def _fixed(tokens: Sequence[str], position: int) -> SpanFound | None:
    """A window with a word of its own, such as `today`, `ever` or `since the cutoff`."""
    ahead = enumerate(tokens[position : position + 4], position)
    following = [(at, token) for at, token in ahead if token not in _ARTICLES]
    for words, window in _FIXED.items():
        found = following[: len(words)]
        if tuple(token for _, token in found) == words and found[0][0] == position:
            return SpanFound(found[-1][0] + 1 - position, None, window)
    return None


def _counted(tokens: Sequence[str], position: int) -> SpanFound | None:
    """A number and a unit, such as `24h`, `ten minutes`, `last 7 days`, `última hora`."""
    at = _after(tokens, position, _LATEST)
    latest = at > position or _is_just_before(tokens, at)
    at = _after(tokens, at, _WHOLE)
    number, at = _number(tokens, at, latest=latest)
    if number is None:
        return _joined(tokens, at, position)
    at = _after(tokens, at, _WHOLE)
    unit = _unit(tokens[at]) if at < len(tokens) else None
    return None if unit is None else SpanFound(at + 1 - position, number * unit)


def _after(tokens: Sequence[str], at: int, words: frozenset[str]) -> int:
    while at < len(tokens) and words.intersection(singulars(tokens[at])):
        at += 1
    return at


def _is_just_before(tokens: Sequence[str], at: int) -> bool:
    """Whether a unit stands at this place that needs no number: "the hour before"."""
    return at + 1 < len(tokens) and tokens[at + 1] in ("before", "antes", "preceding")


def _number(tokens: Sequence[str], at: int, *, latest: bool) -> tuple[float | None, int]:
    if at >= len(tokens):
        return None, at
    number = NUMBERS.get(tokens[at])
    if tokens[at].isdigit():
        number = float(tokens[at])
    if number is None:
        return (1.0 if latest and _unit(tokens[at]) else None), at
    if number == NUMBERS["half"] and tokens[at + 1 : at + 2] in (["a"], ["an"]):
        at += 1
    return number, at + 1


def _joined(tokens: Sequence[str], at: int, position: int) -> SpanFound | None:
    """`24h` as one word."""
    match = _JOINED.fullmatch(tokens[at]) if at < len(tokens) else None
    unit = _unit(match[2]) if match else None
    if match is None or unit is None:
        return None
    window = match[0] if match[2] in ("s", "m", "h", "d") else ""
    return SpanFound(at + 1 - position, float(match[1]) * unit, window)


def _unit(token: str) -> int | None:
    return next((UNITS[each] for each in singulars(token) if each in UNITS), None)


def _with_delay(found: SpanFound, before: Sequence[str], after: Sequence[str]) -> SpanFound:
    """The same as a delay, where words beside it say that."""
    later = [word for word in after if word not in _LINKS]
    is_of_next = len(later) > 1 and later[1][0].isdigit()  # "30d, delay 7d"
    is_delay = bool(_DELAY_AFTER.intersection(later[:1])) and not is_of_next
    if not (is_delay or _DELAY_BEFORE.intersection(before)):
        return found
    return SpanFound(found.words, found.seconds, found.window, is_delay=True)
