"""A feature that a search found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hit:
    """A feature, how well it fits the query (higher is better), and what it means in words.

    The words are in the language of the query.
    """

    name: str
    score: float
    words: str
