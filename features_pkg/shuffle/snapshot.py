"""Shuffled rows into the timelines of a snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features_pkg.calendar import Calendar
from features_pkg.chunked import binary_column
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.entity_keys import KEY_BYTES
from features_pkg.identifiers import MERCHANT, Event, Identifier
from features_pkg.shuffle.group import Group, groups
from features_pkg.timelines.build import encode_all
from features_pkg.timelines.columns import column_arrays, timeline_columns
from features_pkg.timelines.counts import Counts, count_all

TIMELINES: Final = pa.schema(
    [("entity", pa.binary()), ("identifier", pa.string()), ("timeline", pa.binary())]
)
"""An entity's key (24 bytes), what it is, and the bytes of its timeline."""

MERCHANT_TARGETS: Final[Mapping[Event, tuple[Identifier, ...]]] = {Event.ORDER: ()}
MERCHANT_COLUMN: Final = f"first_{Event.ORDER}_at"
"""The only one of a merchant's columns that is not null: its timeline has its first order alone."""


SLICE_ROWS: Final = 2**18
"""Of so many rows the lists and bytes of the widest timelines are below what a chunk may have."""


def snapshot_schema(features: FeatureSet) -> pa.Schema:
    """The columns of `snapshot_timelines`: `TIMELINES`, then the same timelines as columns."""
    return pa.schema([*TIMELINES, *timeline_columns(features.timeline_targets)])


def snapshot_timelines(table: pa.Table, features: FeatureSet, calendar: Calendar) -> pa.Table:
    """The timelines (`snapshot_schema`), by key, of all entities in `table`.

    `table` holds all rows of each, and only events before the snapshot's cutoff.
    """
    schema = snapshot_schema(features)
    tables = [_group_timelines(group, features, calendar, schema) for group in groups(table)]
    rows = pa.concat_tables([schema.empty_table(), *tables])
    by_key = pc.sort_indices(rows["entity"])
    # In slices: what they take becomes one chunk each.
    slices = (by_key.slice(start, SLICE_ROWS) for start in range(0, len(by_key), SLICE_ROWS))
    return pa.concat_tables([schema.empty_table(), *map(rows.take, slices)])


def _group_timelines(
    group: Group, features: FeatureSet, calendar: Calendar, schema: pa.Schema
) -> pa.Table:
    is_merchant = group.name == MERCHANT
    if is_merchant:
        group, targets = _earliest(group), MERCHANT_TARGETS
    else:
        targets = features.timeline_targets_by_event(Identifier(group.name))
    history = {event: group.events(event, names, calendar) for event, names in targets.items()}
    counts = count_all(history, targets, len(group.words))
    columns = column_arrays(counts)
    if is_merchant:
        columns = {MERCHANT_COLUMN: columns[MERCHANT_COLUMN]}
    columns |= _timelines(group, counts)
    rows = len(group.words)
    arrays = [columns.get(field.name, pa.nulls(rows, field.type)) for field in schema]
    return pa.table(arrays, schema=schema).filter(pa.array(counts.base > 0))


def _timelines(group: Group, counts: Counts) -> dict[str, pa.Array]:
    """The columns of `TIMELINES`."""
    rows = len(group.words)
    words = np.ascontiguousarray(group.words, dtype="<i8")
    return {
        "entity": binary_column(words, np.arange(rows + 1, dtype=np.int64) * KEY_BYTES),
        "identifier": pa.repeat(group.name, rows),
        "timeline": encode_all(counts),
    }


def _earliest(group: Group) -> Group:
    """Only the first row of each entity: every batch brings one, however the batches fall."""
    at_us = group.rows["at_us"].to_numpy()
    by_time = np.lexsort((at_us, group.entity))
    _, first = np.unique(group.entity[by_time], return_index=True)
    row = by_time[first]
    rows = group.rows.take(pa.array(row))
    return Group(group.name, rows, group.kind[row], group.entity[row], group.words)
