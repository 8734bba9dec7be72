"""Live questions that may have seen less than the rule shows: rows were in flight, or came later.

What a live order saw is docs/semantics.md section 5. Visibility only filters events; what a measure
says of them is computed as for everybody else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from features_pkg.array_types import Ints, Mask
from features_pkg.definitions.velocity import Past
from features_pkg.engines.arrays.questions import AT, CUTOFF, Questions, Visibility
from features_pkg.history.events import Events, select
from features_pkg.history.ragged import expand
from features_pkg.history.sorted_events import SortedEvents
from features_pkg.identifiers import Event

MOST_ROWS: Final = 2**20
"""How many (question, event) pairs are filtered at once; this bounds the memory."""


@dataclass(frozen=True, slots=True)
class VisiblePart:
    """Some of the limited questions, at `positions` among them, and what they could see.

    In `history` each question has an entity of its own, whose code is the question's row.
    """

    positions: Ints
    questions: Questions
    history: Mapping[Event, SortedEvents]


def limited_questions(
    history: Mapping[Event, SortedEvents], questions: Questions, rows: Ints, entity: Ints
) -> Ints:
    """Which questions are live and may not have seen all of their past, or see their own order."""
    visibility = questions.visibility
    if visibility is None:
        return np.zeros(0, dtype=np.int64)
    limited = (visibility.own_us < questions.at_us)[rows]
    for events in history.values():
        start, newest = events.starts[entity], events.newest_recorded_key
        limited |= events.with_repeated[entity]
        for edge, limit in ((AT, visibility.xmin), (CUTOFF, visibility.watermark)):
            # `newest[i]` is the greatest recorded key of an entity's events up to position i. If it
            # is not below the limit just before the edge, an event was stored after what the
            # question is certain to have seen.
            before = events.positions(entity, questions.ranks(edge, events.times)[rows])
            if len(newest):
                limited |= (before > start) & (newest[before - 1] >= limit[rows])
    return np.flatnonzero(limited & visibility.live[rows])


def visible_parts(
    history: Mapping[Event, SortedEvents],
    questions: Questions,
    rows: Ints,
    entity: Ints,
    past: Past | None,
) -> Iterator[VisiblePart]:
    """Limited questions with the events that each could see, in parts of bounded size.

    `past` is that of the velocities to answer: the distant past is what the load held, the recent
    past what the recent read saw; None (ages) is both, which meet at the cutoff.
    """
    assert questions.visibility is not None
    for positions in _parts(history, entity):
        part = questions.select(rows[positions])
        visibility = questions.visibility.select(rows[positions])
        visible = {
            event: SortedEvents(
                _visible(events, part, visibility, entity[positions], past), part.calendar
            )
            for event, events in history.items()
        }
        yield VisiblePart(positions, part, visible)


def _parts(history: Mapping[Event, SortedEvents], entity: Ints) -> Iterator[Ints]:
    """The questions, cut where their entities' events exceed `MOST_ROWS`; never less than one."""
    sizes = np.zeros(len(entity), dtype=np.int64)
    for events in history.values():
        _, starts = events.everything_by_entity
        sizes = np.maximum(sizes, np.diff(starts)[entity])
    part = np.cumsum(sizes) // MOST_ROWS
    for number in np.unique(part).tolist():
        yield np.flatnonzero(part == number)


def _visible(
    events: SortedEvents,
    questions: Questions,
    visibility: Visibility,
    entity: Ints,
    past: Past | None,
) -> Events:
    """The events that each question could see, as those of an entity of the question's own."""
    by_entity, starts = events.everything_by_entity
    question, index = expand(starts[entity], np.diff(starts)[entity])
    row = by_entity[index]
    visible = _could_see(events.everything, questions, visibility, question, row, past)
    question, row = question[visible], row[visible]
    if events.everything.repeated is not None and events.everything.repeated.any():
        first = _first_of_each_order(events.everything, question, row)
        question, row = question[first], row[first]
    return select(events.everything, row, entity=question, entities=len(entity))


def _could_see(
    events: Events,
    questions: Questions,
    visibility: Visibility,
    question: Ints,
    row: Ints,
    past: Past | None,
) -> Mask:
    """Whether question `question[i]` could see the event in `row[i]`."""
    assert events.recorded_key is not None
    assert events.order_recorded_key is not None
    assert events.order is not None
    recorded, at_us = events.recorded_key[row], events.at_us[row]
    before_cutoff = at_us < questions.edge_us(CUTOFF)[question]
    in_load = before_cutoff & (recorded < visibility.watermark[question])
    in_recent_read = _was_read(visibility, question, recorded)
    in_recent_read &= _was_read(visibility, question, events.order_recorded_key[row])
    in_recent_read &= at_us < questions.at_us[question]
    if past is Past.DISTANT:
        visible = in_load
    elif past is Past.RECENT:
        visible = in_recent_read
    else:
        visible = np.where(before_cutoff, in_load, in_recent_read)
    return np.asarray(visible & (events.order[row] != visibility.order[question]))


def _was_read(visibility: Visibility, question: Ints, recorded: Ints) -> Mask:
    """Whether the recent read of a question saw what was stored in a transaction."""
    return np.asarray(
        (recorded < visibility.xmax[question]) & ~_was_in_flight(visibility, question, recorded)
    )


def _was_in_flight(visibility: Visibility, question: Ints, recorded: Ints) -> Mask:
    """Whether the transaction `recorded[i]` was in flight when question `question[i]` was asked.

    Keys become ranks among all that were ever in flight, so that (question, rank) packs into one
    number; those of the lists and those asked about are then compared in one step.
    """
    count = np.array([len(keys) for keys in visibility.in_flight], dtype=np.int64)
    keys = np.array([key for keys in visibility.in_flight for key in keys], dtype=np.int64)
    if not len(keys):
        return np.zeros(len(question), dtype=np.bool_)
    known, rank = np.unique(keys, return_inverse=True)
    listed = np.repeat(np.arange(len(count)), count) * len(known) + rank
    nearest = np.minimum(np.searchsorted(known, recorded), len(known) - 1)
    pair = question * len(known) + nearest
    return np.asarray((known[nearest] == recorded) & np.isin(pair, listed))


def _first_of_each_order(events: Events, question: Ints, row: Ints) -> Ints:
    """Of each question and order the first pair; pairs are by (question, instant)."""
    assert events.order is not None
    _, order = np.unique(events.order[row], return_inverse=True)
    pair = question * (order.max(initial=0) + 1) + order
    _, first = np.unique(pair, return_index=True)
    return np.sort(first)
