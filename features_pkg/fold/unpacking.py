"""States out of their bytes; the layout is in `packing.py`."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from features_pkg.array_types import Ints
from features_pkg.errors import StateUnreadable
from features_pkg.fold import varints
from features_pkg.fold.packing import CODE_BYTES, HEAD_BYTES, LAYOUT
from features_pkg.fold.states import OLDER, DaySums, EventStates, Sightings, States
from features_pkg.history.ragged import expand
from features_pkg.identifiers import Event, Identifier
from features_pkg.timelines.packing import Bytes, NumberLists
from features_pkg.timelines.read import COUNTS_WRITTEN, LISTED_DAYS, OLDER_WRITTEN

Targets = Mapping[Event, tuple[Identifier, ...]]
"""Per kind of event that the timelines of an identifier keep, the targets that they count."""


def unpack_states(column: pa.ChunkedArray, targets: Targets) -> States:
    """The states of entities of one identifier, whose timelines keep these targets.

    Raises StateUnreadable.
    """
    content, lengths = _content(column)
    shape, numbers, codes = _lists(content, lengths)
    base = numbers.next(np.arange(len(lengths)))
    events = {}
    for position, event in enumerate(Event):
        if event in targets:
            kind = shape >> 4 * position & 15
            happened = np.flatnonzero(kind)
            _check((kind[happened] == len(targets[event]) + 1).all(), "it has other targets")
            events[event] = _event(numbers, codes, happened, base, targets[event])
            shape = shape & ~(15 << 4 * position)
    _check(not shape.any(), "it has a kind of event that these timelines do not keep")
    _check(numbers.is_at_end and codes.is_at_end, "it is longer than it says")
    return States(base, events)


class _Lists:
    """Lists of numbers, one for each state, read from their starts on."""

    def __init__(self, numbers: Ints, lengths: Ints) -> None:
        self._numbers = numbers
        self._ends = np.cumsum(lengths)
        self._at = self._ends - lengths

    def next(self, states: Ints) -> Ints:
        """The next number of each of these states, which are different ones."""
        at = self._at[states]
        _check((at < self._ends[states]).all(), "it is cut short")
        self._at[states] = at + 1
        return np.asarray(self._numbers[at])

    def take(self, states: Ints, lengths: Ints) -> Ints:
        """The next so many numbers of each of these states, which are different ones."""
        at = self._at[states]
        _check((lengths <= self._ends[states] - at).all(), "it is cut short")
        self._at[states] = at + lengths
        return np.asarray(self._numbers[expand(at, lengths)[1]])

    @property
    def is_at_end(self) -> bool:
        """Whether all numbers were read."""
        return bool((self._at == self._ends).all())


def _content(column: pa.ChunkedArray) -> tuple[Bytes, Ints]:
    """All bytes, and how many each state has. Raises StateUnreadable where one is null."""
    _check(column.null_count == 0, "it is null")
    parts, lengths = [np.zeros(0, dtype=np.uint8)], [np.zeros(0, dtype=np.int64)]
    for chunk in column.chunks:
        _, bounds, data = chunk.cast(pa.binary()).buffers()
        offsets = np.frombuffer(bounds, np.int32)[chunk.offset : chunk.offset + len(chunk) + 1]
        content = np.frombuffer(data or b"", np.uint8)
        parts.append(content[offsets[:1].sum() : offsets[-1:].sum()])
        lengths.append(np.diff(offsets).astype(np.int64))
    return np.concatenate(parts), np.concatenate(lengths)


def _lists(content: Bytes, lengths: Ints) -> tuple[Ints, _Lists, _Lists]:
    """The shape of each state, its numbers and its codes."""
    _check((lengths > HEAD_BYTES).all(), "it is cut short")
    starts = np.cumsum(lengths) - lengths
    _check((content[starts] == LAYOUT).all(), f"its layout is not {LAYOUT}")
    codes, count_width = _counts(content, starts + HEAD_BYTES)
    begin = HEAD_BYTES + count_width
    numbers = lengths - begin - CODE_BYTES * codes
    _check((numbers >= 0).all(), "it is cut short")
    sizes = np.stack([begin, numbers, CODE_BYTES * codes], axis=1).reshape(-1)
    section = np.repeat(np.tile(np.arange(3, dtype=np.int8), len(lengths)), sizes)
    values, is_end = varints.read(content[section == 1])
    ends_before = np.concatenate(([0], np.cumsum(is_end)))
    end = np.cumsum(numbers)
    _check(is_end[end[numbers > 0] - 1].all(), "a number is cut short")
    number_counts = ends_before[end] - ends_before[end - numbers]
    code_values = content[section == 2].view("<i8").astype(np.int64)
    shape = content[starts + 1].astype(np.int64)
    return shape, _Lists(values, number_counts), _Lists(code_values, codes)


def _counts(content: Bytes, at: Ints) -> tuple[Ints, Ints]:
    """The number at each place, and how many bytes it takes."""
    counts, width = np.zeros(len(at), dtype=np.int64), np.zeros(len(at), dtype=np.int64)
    going = np.arange(len(at))
    for byte in range(5):
        read = content[np.minimum(at[going] + byte, len(content) - 1)].astype(np.int64)
        counts[going] |= (read & 0x7F) << 7 * byte
        width[going] = byte + 1
        going = going[read > 127]
    _check(not len(going), "a number is cut short")
    return counts, width


def _event(
    numbers: _Lists, codes: _Lists, entity: Ints, base: Ints, targets: tuple[Identifier, ...]
) -> EventStates:
    first_us = varints.unzigzag(numbers.next(entity))
    last_us = first_us + numbers.next(entity)
    days = _days(numbers, entity, base)
    values = {target: _sightings(numbers, codes, entity, base) for target in targets}
    return EventStates(entity, first_us, last_us, days, values)


def _days(numbers: _Lists, entity: Ints, base: Ints) -> DaySums:
    head = numbers.next(entity)
    lengths, several = head >> 2, head & COUNTS_WRITTEN > 0
    has_older = head & OLDER_WRITTEN > 0
    distance = numbers.take(entity, lengths)
    owner = np.repeat(entity, lengths)
    _check((distance < LISTED_DAYS).all(), "a day lies after the last event")
    count = np.ones_like(distance)
    count[np.repeat(several, lengths)] = numbers.take(entity[several], lengths[several])
    older = numbers.next(entity[has_older])
    older_cents = varints.unzigzag(numbers.next(entity[has_older]))
    cents = varints.unzigzag(numbers.take(entity, lengths))

    def both(of_older: Ints, listed: Ints) -> Ints:
        """A column with what each entity has before its listed days, and for each of them."""
        lists = NumberLists(len(entity))
        lists.extend(of_older, has_older.astype(np.int64))
        lists.extend(listed, lengths)
        return lists.flat()[0]

    return DaySums(
        both(entity[has_older], owner),
        both(np.full(len(older), OLDER), base[owner] - LISTED_DAYS + distance),
        both(older, count),
        both(older_cents, cents),
    )


def _sightings(numbers: _Lists, codes: _Lists, entity: Ints, base: Ints) -> Sightings:
    lengths = numbers.next(entity)
    seen, code = numbers.take(entity, lengths), codes.take(entity, lengths)
    owner = np.repeat(entity, lengths)
    _check((seen <= LISTED_DAYS).all(), "a value was seen after the last event")
    is_next = owner[1:] == owner[:-1]
    _check((code[1:] > code[:-1])[is_next].all(), "its values are not in order")
    day = np.where(seen == 0, OLDER, base[owner] - LISTED_DAYS - 1 + seen)
    return Sightings(owner, code, day)


def _check(is_right: object, reason: str) -> None:
    if not is_right:
        raise StateUnreadable(reason)
