"""Shuffled rows into the timelines of a snapshot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features_pkg.array_types import Ints
from features_pkg.calendar import Calendar
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.fold.counts import counts_of
from features_pkg.fold.packing import pack_states
from features_pkg.fold.states import States, concatenated, first_alone, fold
from features_pkg.fold.unpacking import unpack_states
from features_pkg.identifiers import MERCHANT, Event, Identifier
from features_pkg.shuffle.entities import keys_of_words
from features_pkg.shuffle.group import Group, groups, single_states
from features_pkg.shuffle.rows import NUMBER_OF, STATE, STATE_ROWS
from features_pkg.timelines.build import encode_all
from features_pkg.timelines.columns import column_arrays, timeline_columns

TIMELINES: Final = pa.schema(
    [("entity", pa.binary()), ("identifier", pa.string()), ("timeline", pa.binary())]
)
"""An entity's key (24 bytes), what it is, and the bytes of its timeline."""

STORED_STATES: Final = pa.schema([("entity", pa.binary()), (STATE, pa.binary())])
"""What a merge reads of the rows of a snapshot."""

MERCHANT_TARGETS: Final[Mapping[Event, tuple[Identifier, ...]]] = {Event.ORDER: ()}
MERCHANT_COLUMN: Final = f"first_{Event.ORDER}_at"
"""The only one of a merchant's columns that is not null: its timeline has its first order alone."""


SLICE_ROWS: Final = 2**18
"""Of so many rows the lists and bytes of the widest timelines are below what a chunk may have."""


def snapshot_schema(features: FeatureSet) -> pa.Schema:
    """The columns of a snapshot: `TIMELINES`, the same timelines as columns, and their states."""
    columns = timeline_columns(features.timeline_targets)
    return pa.schema([*TIMELINES, *columns, (STATE, pa.binary())])


def snapshot_timelines(table: pa.Table, features: FeatureSet, calendar: Calendar) -> pa.Table:
    """The rows (`snapshot_schema`), by key, of all entities in `table`.

    `table` (`SHUFFLE_ROWS` or `STATE_ROWS`) holds all rows of each, and only events before the
    snapshot's cutoff.
    """
    return merged_timelines(STORED_STATES.empty_table(), table, features, calendar)


def partial_states(table: pa.Table, features: FeatureSet, calendar: Calendar) -> pa.Table:
    """The states (`STATE_ROWS`) of the entities in `table`: of its `SHUFFLE_ROWS` alone.

    An entity with many events of a batch becomes one row, so that no task gets all of its events.
    An entity with repeated chargebacks only is left out: they are in no timeline.
    """
    tables = [STATE_ROWS.empty_table()]
    for group in groups(table):
        states = _fold(group, _states_of_rows(group, features, calendar), group.entity, calendar)
        columns = [*group.words.T, np.full(len(group.words), NUMBER_OF[group.name], np.int8)]
        rows = pa.table([*columns, pack_states(states)], schema=STATE_ROWS)
        tables.append(rows.filter(pa.array(states.base > 0)))
    return pa.concat_tables(tables)


def merged_timelines(
    stored: pa.Table, table: pa.Table, features: FeatureSet, calendar: Calendar
) -> pa.Table:
    """The rows (`snapshot_schema`), by key, of all entities in `table`, whose events are new.

    `table` (`SHUFFLE_ROWS` or `STATE_ROWS`) has no event that is in the states of `stored`
    (`STORED_STATES`), which may have several of an entity. Entities of `stored` alone are left out,
    and so is one without any event that counts: it had repeated chargebacks only. Raises
    StateUnreadable.
    """
    schema = snapshot_schema(features)
    tables = [_group_rows(group, stored, features, calendar, schema) for group in groups(table)]
    return by_key(pa.concat_tables([schema.empty_table(), *tables]))


def newest_rows(newest_first: Sequence[pa.Table]) -> pa.Table:
    """The newest row, by key, of every entity in some tables of the same columns."""
    rows = pa.concat_tables(newest_first)
    age = np.repeat(np.arange(len(newest_first)), [table.num_rows for table in newest_first])
    keys = pa.table({"entity": rows["entity"], "age": age})
    order = pc.sort_indices(keys, [("entity", "ascending"), ("age", "ascending")])
    sorted_keys = rows["entity"].take(order).combine_chunks()
    is_first = np.ones(len(order), dtype=np.bool_)
    is_first[1:] = pc.not_equal(sorted_keys[1:], sorted_keys[:-1]).to_numpy(zero_copy_only=False)
    return _taken(rows, order.filter(pa.array(is_first)))


def by_key(rows: pa.Table) -> pa.Table:
    """The rows of a snapshot in the order of their keys."""
    return _taken(rows, pc.sort_indices(rows["entity"]))


def _taken(rows: pa.Table, order: pa.Array) -> pa.Table:
    # In slices: what they take becomes one chunk each.
    slices = (order.slice(start, SLICE_ROWS) for start in range(0, len(order), SLICE_ROWS))
    return pa.concat_tables([rows.slice(0, 0), *map(rows.take, slices)])


def _group_rows(
    group: Group, stored: pa.Table, features: FeatureSet, calendar: Calendar, schema: pa.Schema
) -> pa.Table:
    keys = keys_of_words(group.words)
    states, entity = _states_of_rows(group, features, calendar), group.entity
    if stored.num_rows:
        code = pc.index_in(stored["entity"], value_set=keys)
        known = unpack_states(stored[STATE].filter(code.is_valid()), _targets(group, features))
        states = concatenated([states, known])
        entity = np.concatenate([entity, code.drop_null().to_numpy()])
    states = _fold(group, states, entity, calendar)
    counts = counts_of(states)
    columns = column_arrays(counts)
    if group.name == MERCHANT:
        columns = {MERCHANT_COLUMN: columns[MERCHANT_COLUMN]}
    columns |= {
        "entity": keys,
        "identifier": pa.repeat(group.name, len(keys)),
        "timeline": encode_all(counts),
        STATE: pack_states(states),
    }
    arrays = [
        columns[field.name] if field.name in columns else pa.nulls(len(keys), field.type)
        for field in schema
    ]
    rows, has_event = pa.table(arrays, schema=schema), counts.base > 0
    return rows if has_event.all() else rows.filter(pa.array(has_event))


def _targets(group: Group, features: FeatureSet) -> Mapping[Event, tuple[Identifier, ...]]:
    if group.name == MERCHANT:
        return MERCHANT_TARGETS
    return features.timeline_targets_by_event(Identifier(group.name))


def _states_of_rows(group: Group, features: FeatureSet, calendar: Calendar) -> States:
    """The state of each row, as that of an entity of its own."""
    targets = _targets(group, features)
    if STATE in group.rows.column_names:
        return unpack_states(group.rows[STATE], targets)
    return single_states(group, targets, calendar)


def _fold(group: Group, states: States, entity: Ints, calendar: Calendar) -> States:
    """The states of the group's entities, each merged from all of its own."""
    found = fold(states, entity, len(group.words))
    return first_alone(found, calendar) if group.name == MERCHANT else found
