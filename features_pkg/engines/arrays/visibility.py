"""Live questions that could not see all that the rule names: rows in flight, imported later, ..."""

from __future__ import annotations

import numpy as np

from features_pkg.array_types import Ints, Mask
from features_pkg.definitions.velocity import Measure, Past, Velocity
from features_pkg.engines.arrays.questions import Asking, Seen, edges
from features_pkg.history.events import Events
from features_pkg.history.sorted_events import History


def unusual(
    history: History, seen: Seen, rows: Ints, entity: Ints, before: tuple[Ints, Ints]
) -> Mask:
    """Which questions have a row in their past that they may not have seen.

    `before` are the positions of the question's instant and of its load's cutoff.
    """
    newest = history.newest_recorded_key
    start = history.starts[entity]
    at, cutoff = before
    apart = history.with_extra[entity]
    if len(newest):
        apart = apart | ((at > start) & (newest[at - 1] >= seen.xmin[rows]))
        apart |= (cutoff > start) & (newest[cutoff - 1] >= seen.watermark[rows])
    return np.asarray(apart & seen.live[rows])


def answer_one(velocity: Velocity, history: History, asking: Asking, row: int, entity: int) -> int:
    """The answer of question `row` about `entity`, from the rows that it could see."""
    events, mine = history.all, history.rows_of(entity)
    assert asking.seen is not None
    at_us = int(asking.at_us[row])
    mine = mine[_could_see(velocity, events, mine, asking.seen, row, asking)]
    mine = _first_of_each_order(events, mine)
    if velocity.measure.is_age:
        if not len(mine):
            return -1
        instants = events.at_us[mine]
        first = velocity.measure is Measure.FIRST_AGE
        return (at_us - int(instants.min() if first else instants.max())) // 1_000_000
    start, end = edges(velocity)
    inside = events.at_us[mine] < asking.edge_us(end)[row]
    if start is not None:
        inside &= events.at_us[mine] >= asking.edge_us(start)[row]
    return _measure(velocity, events, mine[inside])


def _measure(velocity: Velocity, events: Events, mine: Ints) -> int:
    if velocity.measure is Measure.COUNT:
        return len(mine)
    if velocity.measure is Measure.AMOUNT:
        return int(events.amount_cents[mine].sum())
    assert velocity.target is not None
    values = events.targets[velocity.target]
    return len(np.unique(values.code[np.isin(values.event, mine)]))


def _could_see(
    velocity: Velocity, events: Events, mine: Ints, seen: Seen, row: int, asking: Asking
) -> Mask:
    assert events.recorded_key is not None
    assert events.order is not None
    keys, at_us = events.recorded_key[mine], events.at_us[mine]
    recent = _visible(keys, seen, row)
    if events.order_recorded_key is not None:
        recent &= _visible(events.order_recorded_key[mine], seen, row)
    before_cutoff = at_us < asking.edge_us(("cutoff", 0))[row]
    in_load = before_cutoff & (keys < seen.watermark[row])
    if velocity.measure.is_age:
        visible = np.where(before_cutoff, in_load, recent & (at_us < asking.at_us[row]))
    else:
        visible = in_load if velocity.past is Past.DISTANT else recent
    return np.asarray(visible & (events.order[mine] != seen.order[row]))


def _visible(keys: Ints, seen: Seen, row: int) -> Mask:
    in_flight = np.isin(keys, list(seen.in_flight[row]))
    return np.asarray((keys < seen.xmax[row]) & ~in_flight)


def _first_of_each_order(events: Events, mine: Ints) -> Ints:
    assert events.order is not None
    mine = mine[np.argsort(events.at_us[mine], kind="stable")]
    _, first = np.unique(events.order[mine], return_index=True)
    return mine[np.sort(first)]
