"""Timelines of all entities at once, as bytes; the layout is in `timelines/read.py`."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from features_pkg.array_types import Ints, Mask
from features_pkg.chunked import binary_column
from features_pkg.identifiers import Event
from features_pkg.timelines.counts import Counts, DayCounts, EventCounts
from features_pkg.timelines.packing import Bytes, NumberLists, pack
from features_pkg.timelines.read import (
    COUNTS_WRITTEN,
    HEAD_BYTES,
    INSTANT_BYTES,
    LISTED_DAYS,
    OLDER_WRITTEN,
)


def encode_all(counts: Counts) -> pa.ChunkedArray:
    """The timeline of every entity, by dense code. Nothing can read that of one without an event.

    Each is a head, the first instant of each kind of event that happened, and a list of numbers.
    """
    shape = np.zeros_like(counts.base)
    instants = np.zeros_like(counts.base)
    lists = NumberLists(len(counts.base))
    for position, event in enumerate(Event):
        if (counted := counts.events.get(event)) is not None:
            shape |= counted.happened * (len(counted.targets) + 1 << 4 * position)
            instants += counted.happened
            _append_event(lists, counted, counts.base)
    content, starts = pack(*lists.flat(), room=HEAD_BYTES + INSTANT_BYTES * instants)
    _write(content, starts[:-1], counts.base << 8 | shape, HEAD_BYTES)
    written = starts[:-1] + HEAD_BYTES
    for counted in counts.events.values():
        who = counted.happened
        _write(content, written[who], counted.first_us[who], INSTANT_BYTES)
        written = written + INSTANT_BYTES * who
    return binary_column(content, starts)


def _append_event(lists: NumberLists, counted: EventCounts, base: Ints) -> None:
    """Append what an `EventTimeline` is read from, besides the first instant."""
    who = counted.happened
    lists.append(counted.last_us - counted.first_us, who)
    for days in (counted.days, *counted.targets.values()):
        _append_days(lists, days, who, base)
    lists.extend(counted.cents, counted.days.lengths)
    lists.append(counted.older_cents, counted.days.older > 0)


def _append_days(lists: NumberLists, days: DayCounts, who: Mask, base: Ints) -> None:
    """Append the *days* of `timelines/read.py`."""
    lengths = days.lengths
    owner = np.repeat(np.arange(len(base)), lengths)
    several = np.zeros(len(base), dtype=np.bool_)
    several[owner[days.count != 1]] = True
    has_older = days.older > 0
    lists.append(4 * lengths + COUNTS_WRITTEN * several + OLDER_WRITTEN * has_older, who)
    lists.extend(days.day - (base[owner] - LISTED_DAYS), lengths)
    lists.extend(days.count[several[owner]], np.where(several, lengths, 0))
    lists.append(days.older, has_older)


def _write(content: Bytes, at: Ints, numbers: Ints, width: int) -> None:
    """Write the lowest `width` bytes of each number, little end first."""
    wide = numbers.astype("<i8").view(np.uint8).reshape(-1, 8)
    for byte in range(width):
        content[at + byte] = wide[:, byte]
