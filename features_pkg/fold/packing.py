"""States as bytes, one value of a column for each entity.

The bytes are `LAYOUT`, the shape of the entity's timeline (`timelines/read.py`), numbers, and codes
of 8 bytes, little end first. Nothing makes random codes smaller, so the rest is. The numbers
(`varints.py`) are how many codes there are, `base`, and for each kind of event that happened:

| field | numbers | when present |
|---|---|---|
| first | the first instant, by zigzag | always |
| length | last instant less first instant | always |
| head | 4 times the listed days, plus 2 if counts and 1 if "older" is written | always |
| days | each listed day, less the first that can be listed | always |
| counts | of each listed day | if one is not 1 |
| older | the number of older events, their cents by zigzag | if some are older |
| cents | of each listed day, by zigzag | always |
| values | how many values a target has; then `seen` of them; then the next target | always |
| seen | when each value was last seen: 0 is "older", 1 the first day that can be listed | always |

The codes come in the order of `seen`: those of a target ascend.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa

from features_pkg.array_types import Ints
from features_pkg.chunked import binary_column
from features_pkg.fold import varints
from features_pkg.fold.states import OLDER, DaySums, EventStates, States
from features_pkg.identifiers import Event
from features_pkg.timelines.packing import NumberLists
from features_pkg.timelines.read import COUNTS_WRITTEN, LISTED_DAYS, OLDER_WRITTEN

LAYOUT: Final = 1
HEAD_BYTES: Final = 2
CODE_BYTES: Final = 8


def pack_states(states: States) -> pa.ChunkedArray:
    """The bytes of every entity's state."""
    entities = len(states.base)
    shape = np.zeros(entities, dtype=np.int64)
    lists, codes = NumberLists(entities), NumberLists(entities)
    lists.extend(states.base, np.ones_like(states.base))
    for position, event in enumerate(Event):
        if (part := states.events.get(event)) is not None:
            shape[part.entity] |= len(part.values) + 1 << 4 * position
            _append_event(lists, codes, part, states.base)
    return _written(shape, *lists.flat(), *codes.flat())


def _append_event(lists: NumberLists, codes: NumberLists, states: EventStates, base: Ints) -> None:
    happened = np.zeros_like(base)
    happened[states.entity] = 1
    lists.extend(varints.zigzag(states.first_us), happened)
    lists.extend(states.last_us - states.first_us, happened)
    _append_days(lists, states.days, happened, base)
    for values in states.values.values():
        lengths = np.bincount(values.entity, minlength=len(base))
        lists.extend(lengths[states.entity], happened)
        first = base[values.entity] - LISTED_DAYS
        lists.extend(np.where(values.day == OLDER, 0, values.day - first + 1), lengths)
        codes.extend(values.code, lengths)


def _append_days(lists: NumberLists, days: DaySums, happened: Ints, base: Ints) -> None:
    is_older = days.day == OLDER
    is_listed, older = ~is_older, days.entity[is_older]
    owner, count = days.entity[is_listed], days.count[is_listed]
    lengths = np.bincount(owner, minlength=len(base))
    several, has_older = np.zeros_like(base), np.zeros_like(base)
    several[owner[count != 1]] = 1
    has_older[older] = 1
    head = 4 * lengths + COUNTS_WRITTEN * several + OLDER_WRITTEN * has_older
    lists.extend(head[happened > 0], happened)
    lists.extend(days.day[is_listed] - (base[owner] - LISTED_DAYS), lengths)
    lists.extend(count[several[owner] > 0], lengths * several)
    lists.extend(days.count[is_older], has_older)
    lists.extend(varints.zigzag(days.cents[is_older]), has_older)
    lists.extend(varints.zigzag(days.cents[is_listed]), lengths)


def _written(
    shape: Ints, numbers: Ints, lengths: Ints, codes: Ints, code_counts: Ints
) -> pa.ChunkedArray:
    """The bytes of all states: the flat lists of all, and how many of them each one has."""
    width, count_width = varints.widths(numbers), varints.widths(code_counts)
    before = np.concatenate(([0], np.cumsum(width)))
    ends = np.cumsum(lengths)
    bytes_of_numbers = before[ends] - before[ends - lengths]
    sizes = HEAD_BYTES + count_width + bytes_of_numbers + CODE_BYTES * code_counts
    starts = np.concatenate(([0], np.cumsum(sizes)))
    content = np.zeros(int(starts[-1]), dtype=np.uint8)
    at = starts[:-1]
    content[at], content[at + 1] = LAYOUT, shape
    varints.write(content, at + HEAD_BYTES, code_counts, count_width)
    number_at = at + HEAD_BYTES + count_width - before[ends - lengths]
    varints.write(content, before[:-1] + np.repeat(number_at, lengths), numbers, width)
    is_code = np.repeat(
        np.tile([False, True], len(sizes)),
        np.stack([sizes - CODE_BYTES * code_counts, CODE_BYTES * code_counts], axis=1).reshape(-1),
    )
    content[is_code] = codes.astype("<i8").view(np.uint8)
    return binary_column(content, starts)
