"""A query as what it speaks of: identifiers and their roles, event, measure and windows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ontem.feature_store.words.concepts import Kind, Role
from ontem.feature_store.words.phrases import (
    Concept,
    Phrase,
    longest_phrase,
    meanings,
    portuguese,
    reasons,
)
from ontem.feature_store.words.roles import AFTER_ITS_NOUN, BY, SILENT, WEAK_SUBJECT
from ontem.feature_store.words.spans import SpanFound, span_at
from ontem.feature_store.words.texts import ENGLISH, PORTUGUESE
from ontem.feature_store.words.tokens import tokens_of


@dataclass(slots=True)
class Mention:
    """An identifier in a query: which it may be, and whether it is counted or looked at."""

    weights: Mapping[str, float]
    target: float = 0.0
    """Above 0 it is counted ("many cards"), below 0 it is looked at ("this device")."""
    is_counted: bool = False
    is_new: bool = False

    def apply(self, role: str) -> None:
        """Take what a word of `roles.py` says of it."""
        if role == Role.TARGET:
            self.target += 3.0
            self.is_counted = True
        elif role == Role.NEW:
            self.target += 1.5
            self.is_new = True
        else:
            self.target -= 3.0


@dataclass(slots=True)
class Query:
    """What a query speaks of. `words` are those that the lexicon does not have."""

    mentions: list[Mention] = field(default_factory=list)
    said: dict[Kind, dict[str, float]] = field(default_factory=dict)
    spans: list[SpanFound] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    language: str = ENGLISH

    def weight(self, kind: Kind, value: str) -> float:
        """How surely the query speaks of that; 0 if it does not."""
        return self.said.get(kind, {}).get(value, 0.0)

    def note(self, concept: Concept) -> None:
        """Take one more meaning; two words that mean it less surely mean it surely together."""
        said = self.said.setdefault(concept.kind, {})
        said[concept.value] = min(1.0, concept.weight + said.get(concept.value, 0.0))


def read_query(text: str) -> Query:
    """What a query in English or Portuguese speaks of."""
    tokens = tokens_of(text)
    query = _Reader(tokens).read()
    for position in range(len(tokens)):
        phrase, _ = longest_phrase(tokens, position, reasons())
        if phrase:
            query.note(Concept(Kind.REASON, reasons()[phrase], 1.0))
    return query


class _Reader:
    """Goes through the words of a query once, from left to right."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self._tokens = tokens
        self._query = Query()
        self._roles: list[str] = []
        self._lean = 0.0
        self._is_by = False
        self._just_named: Mention | None = None

    def read(self) -> Query:
        """The query, but for its reasons."""
        position = 0
        while position < len(self._tokens):
            position += self._step(position)
        return self._query

    def _step(self, position: int) -> int:
        """Read what stands at a position; how many words that takes."""
        phrase, words = longest_phrase(self._tokens, position, meanings())
        span = span_at(self._tokens, position)
        if span is not None and span.words >= words:
            self._query.spans.append(span)
            self._forget_roles()
            return span.words
        if phrase:
            self._note(phrase, is_plural=self._tokens[position + words - 1] != phrase[-1])
            return words
        self._note_unknown(self._tokens[position])
        return 1

    def _note(self, phrase: Phrase, *, is_plural: bool) -> None:
        if phrase in portuguese():
            self._query.language = PORTUGUESE
        concepts = meanings()[phrase]
        identifiers = {c.value: c.weight for c in concepts if c.kind is Kind.IDENTIFIER}
        roles = [c.value for c in concepts if c.kind is Kind.ROLE]
        for concept in concepts:
            if concept.kind not in (Kind.IDENTIFIER, Kind.ROLE):
                self._query.note(concept)
        if identifiers:
            by = (1.0 if is_plural else -2.0) * self._is_by
            self._mention(identifiers, self._lean + by + is_plural)
        elif roles:
            self._role(roles[0], phrase[-1])
        else:
            self._forget_roles()

    def _mention(self, weights: Mapping[str, float], target: float) -> None:
        same = next((m for m in self._query.mentions if m.weights == weights), None)
        mention = same or Mention(weights, target)
        for role in self._roles:
            mention.apply(role)
        if same is None:
            self._query.mentions.append(mention)
        self._forget_roles()
        self._just_named = mention

    def _role(self, role: str, word: str) -> None:
        if self._just_named is not None and word in AFTER_ITS_NOUN:
            self._just_named.apply(role)
        else:
            self._roles.append(role)

    def _note_unknown(self, token: str) -> None:
        if token in WEAK_SUBJECT:
            self._lean -= 1.0
        elif token in BY:
            self._is_by = True
        elif token not in SILENT:
            self._query.words.append(token)
            self._forget_roles()

    def _forget_roles(self) -> None:
        self._roles, self._lean, self._is_by, self._just_named = [], 0.0, False, None
