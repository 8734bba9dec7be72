"""The work of one Spark task on a part of a snapshot, in a process of its own.

The part is ten times as full as it should be, and one CEP is in three of ten orders. Prints the
peak of the process in bytes, the rows, and how many entities they have.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import numpy as np
import pyarrow as pa

from features_pkg import shuffle
from features_pkg.calendar import Calendar
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.entity_keys import EntityKeys
from features_pkg.fold.packing import pack_states
from features_pkg.fold.states import SingleEvents, fold, states_of
from features_pkg.history.events import TargetValues
from features_pkg.identifiers import Event, Identifier
from features_pkg.shuffle.rows import NUMBER_OF
from jobs.parts import ORDERS_OF_A_PART
from tests.part_of_orders import BATCH_ROWS, orders_with_questions
from tests.peak_memory import peak_memory

BATCHES = 10 * ORDERS_OF_A_PART // BATCH_ROWS
HOT_ORDERS = 3 * BATCH_ROWS // 10
"""Of each batch."""
HOT = Identifier.ZIP_CODE
HOT_KEY = (1, 2, 3)

FEATURES = FeatureSet("America/Sao_Paulo", timedelta(hours=4))
CALENDAR = Calendar(FEATURES.timezone)


def batches() -> Iterator[pa.Table]:
    """The states of batches that differ in their entities, and in what the hot one was seen with.

    That is ten parts of orders: what a part has of that many entities has all of these.
    """
    keys = EntityKeys(b"a secret of the tests", FEATURES.timelines_id)
    orders = orders_with_questions(BATCH_ROWS, FEATURES).drop_columns(
        ["asked_us", "as_of", "visible"]
    )
    events = shuffle.explode(shuffle.with_entity_keys(orders, keys), FEATURES.timeline_targets)
    rows = shuffle.partial_states(events, FEATURES, CALENDAR)
    random = np.random.default_rng(1)
    for number in range(BATCHES):
        words = [rows[name].to_numpy() for name in rows.column_names[:3]]
        moved = [pa.array(word ^ np.int64(number * 0x0123456789ABCDEF)) for word in words]
        yield pa.table([*moved, *rows.columns[3:]], schema=shuffle.STATE_ROWS)
        yield hot_state(random)


def hot_state(random: np.random.Generator) -> pa.Table:
    """What a batch says of the CEP: each of its orders with values that no other has."""
    rows = np.arange(HOT_ORDERS)
    at_us = np.sort(random.integers(1_700_000_000_000_000, 1_731_000_000_000_000, HOT_ORDERS))
    events = {}
    for event, share in ((Event.ORDER, 1), (Event.CHARGEBACK, 50)):
        some = rows[::share]
        first = 0 if event is Event.ORDER else HOT_ORDERS
        targets = FEATURES.timeline_targets[HOT, event]
        codes = {t: random.integers(-(2**63), 2**63 - 1, len(some)) for t in targets}
        values = {t: TargetValues(np.arange(len(some)), code) for t, code in codes.items()}
        where = first + np.arange(len(some))
        events[event] = SingleEvents(where, at_us[some], np.full(len(some), 19_900), values)
    count = sum(len(each.entity) for each in events.values())
    state = pack_states(fold(states_of(events, count, CALENDAR), np.zeros(count, np.int64), 1))
    columns = [pa.array([word]) for word in HOT_KEY]
    number = pa.array([NUMBER_OF[HOT]], pa.int8())
    return pa.table([*columns, number, state], schema=shuffle.STATE_ROWS)


def main() -> None:
    """Build what a task builds, piece by piece; who gets a piece does not keep it."""
    rows = pa.concat_tables(batches())
    entities = sum(
        shuffle.snapshot_timelines(piece, FEATURES, CALENDAR).num_rows
        for piece in shuffle.key_pieces(rows)
    )
    print(peak_memory(), rows.num_rows, entities)  # noqa: T201  the parent reads it


if __name__ == "__main__":
    main()
