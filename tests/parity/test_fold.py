"""Events added to fold states give the snapshot of all events, however they were split."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from hypothesis import given, settings
from hypothesis import strategies as st

from features_pkg import shuffle
from features_pkg.calendar import DAY_US
from features_pkg.history.past_orders import PastOrder
from features_pkg.shuffle import STORED_STATES, RowKind
from tests.parity import worlds
from tests.parity.rows import CALENDAR, FEATURES, KEYS, order_rows

PARTS = 3
parts = st.lists(st.integers(0, PARTS - 1), min_size=1, max_size=40)
"""The part of each event; they repeat where there are more events."""


def exploded(history: Sequence[PastOrder], repeated: set[int], *, batches: int = 2) -> pa.Table:
    """The shuffle rows of a history in batches; those of `repeated` are charged again."""
    orders = order_rows(history).to_pylist()
    for number in repeated & set(range(len(orders))):
        first_us = (orders[number]["chargeback_us"] or [orders[number]["event_us"]])[0]
        orders[number]["chargeback_us"] = [first_us, first_us + 100 * DAY_US]
        orders[number]["chargeback_key"] = [1, 1]
    keyed = shuffle.with_entity_keys(pa.Table.from_pylist(orders, shuffle.ORDER_ROWS), KEYS)
    bounds = np.linspace(0, len(orders), min(batches, len(orders)) + 1).astype(int).tolist()
    tables = [keyed.slice(start, end - start) for start, end in pairwise(bounds)]
    return pa.concat_tables(shuffle.explode(t, FEATURES.timeline_targets) for t in tables)


def part_of(rows: pa.Table, of_event: Sequence[int], number: int) -> pa.Table:
    """The rows of the events of one part. An event's rows are those of an order and a kind."""
    event = rows["order_pk"].to_numpy() * len(RowKind) + rows["kind"].to_numpy()
    return rows.filter(pa.array(np.array(of_event)[event % len(of_event)] == number))


def states(snapshot: pa.Table) -> pa.Table:
    return snapshot.select(STORED_STATES.names)


def merged(stored: pa.Table, rows: pa.Table) -> pa.Table:
    return shuffle.merged_timelines(stored, rows, FEATURES, CALENDAR)


def folded(rows: pa.Table) -> pa.Table:
    return shuffle.partial_states(rows, FEATURES, CALENDAR)


@given(history=worlds.orders(), of_event=parts, repeated=st.sets(st.integers(0, 13)))
@settings(max_examples=50)
def test_events_that_come_in_parts_give_the_snapshot_of_all(
    history: list[PastOrder], of_event: list[int], repeated: set[int]
) -> None:
    rows = exploded(history, repeated)
    snapshot = shuffle.snapshot_schema(FEATURES).empty_table()
    for number in range(PARTS):
        part = part_of(rows, of_event, number)
        changed = merged(states(snapshot), part)
        counted = part.filter(pc.not_equal(part["kind"], RowKind.REPEATED_CHARGEBACK))
        assert set(entities(counted)) <= set(changed["entity"].to_pylist()) <= set(entities(part))
        snapshot = shuffle.newest_rows([changed, snapshot])

    expected = shuffle.snapshot_timelines(rows, FEATURES, CALENDAR)
    assert snapshot.equals(expected)


@given(history=worlds.orders(), of_event=parts, order=st.permutations(range(PARTS)))
@settings(max_examples=30)
def test_states_of_parts_are_merged_in_any_order(
    history: list[PastOrder], of_event: list[int], order: list[int]
) -> None:
    rows = exploded(history, set())
    last, *others = (part_of(rows, of_event, number) for number in order)
    nothing = STORED_STATES.empty_table()
    found = merged(pa.concat_tables([states(merged(nothing, part)) for part in others]), last)

    expected = shuffle.snapshot_timelines(rows, FEATURES, CALENDAR)
    is_of_last = pc.is_in(expected["entity"], pa.array(entities(last), pa.binary()))
    assert found.equals(expected.filter(is_of_last))


@given(history=worlds.orders(), of_event=parts, repeated=st.sets(st.integers(0, 13)))
@settings(max_examples=30)
def test_batches_that_were_folded_before_the_shuffle_give_the_snapshot_of_all(
    history: list[PastOrder], of_event: list[int], repeated: set[int]
) -> None:
    rows = exploded(history, repeated)
    pieces = [folded(part_of(rows, of_event, number)) for number in range(PARTS)]
    for piece in pieces:
        assert len(set(entities(piece))) == piece.num_rows

    # A merchant has a row in each batch, and yet its first order alone.
    whole = exploded(history, repeated, batches=1)
    expected = shuffle.snapshot_timelines(whole, FEATURES, CALENDAR)
    assert shuffle.snapshot_timelines(pa.concat_tables(pieces), FEATURES, CALENDAR).equals(expected)


@given(worlds.orders())
@settings(max_examples=25)
def test_a_state_without_a_new_event_stays_as_it_is(history: list[PastOrder]) -> None:
    rows = exploded(history, set())
    snapshot = shuffle.snapshot_timelines(rows, FEATURES, CALENDAR)
    repeated = pa.array(np.full(rows.num_rows, RowKind.REPEATED_CHARGEBACK), pa.int8())
    kind = rows.schema.get_field_index("kind")

    assert merged(states(snapshot), rows.set_column(kind, "kind", repeated)).equals(snapshot)


@given(history=worlds.orders(), of_event=parts)
@settings(max_examples=15)
def test_an_entity_with_repeated_chargebacks_alone_is_left_out(
    history: list[PastOrder], of_event: list[int]
) -> None:
    rows = exploded(history, set())
    repeated = pa.array(np.full(rows.num_rows, RowKind.REPEATED_CHARGEBACK), pa.int8())
    charged_again = rows.set_column(rows.schema.get_field_index("kind"), "kind", repeated)
    counted, nothing = part_of(rows, of_event, 0), STORED_STATES.empty_table()

    found = merged(nothing, pa.concat_tables([counted, charged_again]))
    assert found.equals(merged(nothing, counted))
    assert set(found["entity"].to_pylist()) == set(entities(counted))
    assert folded(charged_again).num_rows == 0


def entities(rows: pa.Table) -> list[bytes]:
    """The keys of shuffle rows."""
    names = ("entity_hi", "entity_lo", "entity_check")
    words = np.stack([rows[name].to_numpy() for name in names], axis=1).astype("<i8")
    return [key.tobytes() for key in words]
