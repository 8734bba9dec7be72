"""Shuffled rows into the timelines of a snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import pyarrow as pa

from features_pkg.calendar import Calendar
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.identifiers import MERCHANT, Event, Identifier
from features_pkg.shuffle.group import Group, groups
from features_pkg.timelines.build import encode_all

TIMELINES: Final = pa.schema(
    [("entity", pa.binary()), ("identifier", pa.string()), ("timeline", pa.binary())]
)
"""An entity's key (24 bytes), what it is, and the bytes of its timeline."""

MERCHANT_TARGETS: Final[Mapping[Event, tuple[Identifier, ...]]] = {Event.ORDER: ()}


def snapshot_timelines(table: pa.Table, features: FeatureSet, calendar: Calendar) -> pa.Table:
    """The timelines (`TIMELINES`), by key, of all entities in `table`, which has all their rows.

    `table` holds only events before the snapshot's cutoff.
    """
    rows = [row for group in groups(table) for row in _group_timelines(group, features, calendar)]
    rows.sort()
    keys, names, contents = zip(*rows, strict=True) if rows else ((), (), ())
    arrays = (
        pa.array(keys, pa.binary()),
        pa.array(names, pa.string()),
        pa.array(contents, pa.binary()),
    )
    return pa.table(arrays, schema=TIMELINES)


def _group_timelines(
    group: Group, features: FeatureSet, calendar: Calendar
) -> list[tuple[bytes, str, bytes]]:
    if group.name == MERCHANT:
        group, targets = _earliest(group), MERCHANT_TARGETS
    else:
        targets = features.timeline_targets_by_event(Identifier(group.name))
    history = {event: group.events(event, names, calendar) for event, names in targets.items()}
    words = np.ascontiguousarray(group.words, dtype="<i8")
    return [
        (words[entity].tobytes(), group.name, content)
        for entity, content in encode_all(history, targets, len(words))
    ]


def _earliest(group: Group) -> Group:
    """Only the first row of each entity: every batch brings one, however the batches fall."""
    at_us = group.rows["at_us"].to_numpy()
    by_time = np.lexsort((at_us, group.entity))
    _, first = np.unique(group.entity[by_time], return_index=True)
    row = by_time[first]
    rows = group.rows.take(pa.array(row))
    return Group(group.name, rows, group.kind[row], group.entity[row], group.words)
