"""What one entity did, in sorted arrays: for entities with more events than a request can read.

It grows by the events that come, and its oldest ones leave it; it does not change in place.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from features_pkg.array_types import Ints
from features_pkg.identifiers import Identifier

Texts = NDArray[np.bytes_]

_LONGEST_TEXT: Final = 30
_DIGEST: Final = b"\xff"
"""Begins the digest of a longer text; UTF-8 has no such byte."""


def as_text(value: bytes) -> bytes:
    """A value, in UTF-8, as the arrays have it: in few bytes, and as no other value."""
    if len(value) <= _LONGEST_TEXT:
        return value
    return _DIGEST + blake2b(value, digest_size=_LONGEST_TEXT - 1).digest()


@dataclass(frozen=True, slots=True, eq=False)
class LastSeen:
    """The different values of one target, and when each was last seen."""

    values: Texts
    """In ascending order."""
    at_us: Ints
    """When each value was last seen."""
    sorted_us: Ints
    """The same instants in ascending order."""

    @classmethod
    def of(cls, values: Sequence[bytes], at_us: Ints) -> LastSeen:
        """Values in UTF-8, each once, with the instants at which they were last seen."""
        texts = np.array([as_text(value) for value in values], dtype=np.bytes_)
        order = np.argsort(texts, kind="stable")
        return cls(texts[order], at_us[order], np.sort(at_us))

    def plus(self, newer: LastSeen, from_us: int) -> LastSeen:
        """With the values of `newer`, and without those that were last seen before `from_us`."""
        texts = np.concatenate([self.values, newer.values])
        at_us = np.concatenate([self.at_us, newer.at_us])
        order = np.lexsort((at_us, texts))
        texts, at_us = texts[order], at_us[order]
        kept = np.ones(len(texts), dtype=np.bool_)
        kept[:-1] = texts[:-1] != texts[1:]  # of each value the last instant
        kept &= at_us >= from_us
        return LastSeen(texts[kept], at_us[kept], np.sort(at_us[kept]))

    def since(self, start_us: int) -> int:
        """How many values were last seen at or after an instant."""
        return len(self.sorted_us) - bisect_left(self.sorted_us.data, start_us)

    def of_values(self, values: Sequence[str]) -> list[int | None]:
        """When each of some values was last seen; None where it never was."""
        if not len(self.values):
            return [None] * len(values)
        texts = np.array([as_text(value.encode()) for value in values], dtype=np.bytes_)
        positions = np.minimum(np.searchsorted(self.values, texts), len(self.values) - 1)
        is_there = self.values[positions] == texts
        instants = self.at_us[positions].tolist()
        return [us if there else None for us, there in zip(instants, is_there, strict=True)]

    @property
    def nbytes(self) -> int:
        """How much memory it takes."""
        return self.values.nbytes + self.at_us.nbytes + self.sorted_us.nbytes


NO_VALUES: Final = LastSeen(
    np.zeros(0, dtype=np.bytes_), np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
)


@dataclass(frozen=True, slots=True, eq=False)
class HeldEvents:
    """Events of one kind that named one entity."""

    at_us: Ints
    """In ascending order."""
    cents_before: Ints
    """For each position the sum of the amounts before it; one more than there are events."""
    last_seen: Mapping[Identifier, LastSeen] = field(default_factory=dict)
    """By target, for those whose different values are counted."""

    @classmethod
    def of(cls, at_us: Ints, cents: Ints, last_seen: Mapping[Identifier, LastSeen]) -> HeldEvents:
        """Events in any order."""
        order = np.argsort(at_us, kind="stable")
        return cls(at_us[order], _sums(cents[order]), last_seen)

    def plus(self, newer: HeldEvents, from_us: int) -> HeldEvents:
        """With the events of `newer`, none of which is held, and without those before `from_us`."""
        at_us = np.concatenate([self.at_us, newer.at_us])
        cents = np.concatenate([np.diff(self.cents_before), np.diff(newer.cents_before)])
        order = np.argsort(at_us, kind="stable")
        order = order[np.searchsorted(at_us[order], from_us) :]
        targets = self.last_seen.keys() | newer.last_seen.keys()
        return HeldEvents(
            at_us[order],
            _sums(cents[order]),
            {
                target: self.last_seen.get(target, NO_VALUES).plus(
                    newer.last_seen.get(target, NO_VALUES), from_us
                )
                for target in targets
            },
        )

    def since(self, start_us: int) -> int:
        """The position of the first event at or after an instant."""
        return bisect_left(self.at_us.data, start_us)

    def __len__(self) -> int:
        return len(self.at_us)

    @property
    def nbytes(self) -> int:
        """How much memory it takes."""
        values = sum(last_seen.nbytes for last_seen in self.last_seen.values())
        return self.at_us.nbytes + self.cents_before.nbytes + values


NO_EVENTS: Final = HeldEvents(np.zeros(0, dtype=np.int64), np.zeros(1, dtype=np.int64))


def _sums(cents: Ints) -> Ints:
    sums: NDArray[Any] = np.zeros(len(cents) + 1, dtype=np.int64)
    np.cumsum(cents, out=sums[1:])
    return sums
