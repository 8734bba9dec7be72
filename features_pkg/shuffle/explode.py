"""Order rows into narrow rows: one per entity and event, and one per entity and question."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features_pkg.array_types import Ints
from features_pkg.entity_keys import EntityKeys
from features_pkg.identifiers import IDENTIFIERS, MERCHANT, Event, Identifier
from features_pkg.shuffle.entities import Entities, entities_of
from features_pkg.shuffle.rows import NARROW, PARTS, RowKind

Kept = Mapping[tuple[Identifier, Event], tuple[Identifier, ...]]


def explode(batch: pa.Table, keys: EntityKeys, kept: Kept) -> pa.Table:
    """The narrow rows (`NARROW`) of a batch of orders (`ORDER_ROWS`, perhaps with questions)."""
    entities = {identifier: entities_of(batch, identifier, keys) for identifier in IDENTIFIERS}
    parts = [_first_of_merchants(batch, keys)]
    for (identifier, event), targets in kept.items():
        happened = _placed(batch) if event is Event.ORDER else _charged_back(batch)
        parts += list(_events(batch, happened, identifier, targets, entities))
    if "asked_us" in batch.column_names:
        asking = {identifier for identifier, _ in kept}
        parts += [_questions(batch, i, entities[i]) for i in IDENTIFIERS if i in asking]
    return pa.concat_tables(parts)


class _Happened:
    """Events of a batch: the order's row, the kind, the instant and the key of each."""

    def __init__(self, row: Ints, kind: Ints, at_us: Ints, recorded_key: Ints) -> None:
        self.row, self.kind, self.at_us, self.recorded_key = row, kind, at_us, recorded_key


def _placed(batch: pa.Table) -> _Happened:
    rows = np.arange(batch.num_rows)
    kind = np.full(batch.num_rows, RowKind.ORDER)
    return _Happened(rows, kind, batch["event_us"].to_numpy(), batch["recorded_key"].to_numpy())


def _charged_back(batch: pa.Table) -> _Happened:
    column = batch["chargeback_us"].combine_chunks()
    row = pc.list_parent_indices(column).to_numpy().astype(np.int64)
    first = np.concatenate(([True], row[1:] != row[:-1]))[: len(row)]
    kind = np.where(first, RowKind.CHARGEBACK, RowKind.LATER_CHARGEBACK)
    keys = pc.list_flatten(batch["chargeback_key"].combine_chunks()).to_numpy()
    return _Happened(row, kind, pc.list_flatten(column).to_numpy(), keys)


def _events(
    batch: pa.Table,
    happened: _Happened,
    identifier: Identifier,
    targets: tuple[Identifier, ...],
    entities: Mapping[Identifier, Entities],
) -> Iterator[pa.Table]:
    mine = entities[identifier]
    event, entity = mine.of_rows(happened.row)
    row = happened.row[event]
    target, code = _targets(row, targets, entities)
    yield _narrow(
        mine.words[entity],
        identifier=np.full(len(row), PARTS.index(identifier)),
        kind=happened.kind[event],
        order_pk=batch["order_pk"].to_numpy()[row],
        at_us=happened.at_us[event],
        amount_cents=batch["amount_cents"].to_numpy()[row],
        recorded_key=happened.recorded_key[event],
        order_recorded_key=batch["recorded_key"].to_numpy()[row],
        target=target,
        code=code,
    )


def _targets(
    row: Ints, targets: tuple[Identifier, ...], entities: Mapping[Identifier, Entities]
) -> tuple[pa.Array, pa.Array]:
    found = [entities[target].of_rows(row) for target in targets]
    event = np.concatenate([event for event, _ in found] or [np.zeros(0, np.int64)])
    number = [np.full(len(e), PARTS.index(t)) for t, (e, _) in zip(targets, found, strict=True)]
    code = [entities[t].words[i, 0] for t, (_, i) in zip(targets, found, strict=True)]
    order = np.argsort(event, kind="stable")
    offsets = np.searchsorted(event[order], np.arange(len(row) + 1))
    numbers = np.concatenate(number or [np.zeros(0, np.int64)])[order]
    codes = np.concatenate(code or [np.zeros(0, np.int64)])[order]
    return (
        _lists(offsets, pa.array(numbers, pa.int8())),
        _lists(offsets, pa.array(codes, pa.int64())),
    )


def _lists(offsets: Ints, values: pa.Array) -> pa.Array:
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values)


def _questions(batch: pa.Table, identifier: Identifier, entities: Entities) -> pa.Table:
    asks = batch["asked_us"].is_valid().to_numpy()
    mine = asks[entities.row]
    row = entities.row[mine]
    asking = batch.take(pa.array(row))
    return _narrow(
        entities.words[mine],
        identifier=np.full(len(row), PARTS.index(identifier)),
        kind=np.full(len(row), RowKind.QUESTION),
        order_pk=asking["order_pk"],
        at_us=asking["asked_us"],
        as_of=asking["as_of"],
        visible=asking["visible"],
        own_us=asking["event_us"],
    )


def _first_of_merchants(batch: pa.Table, keys: EntityKeys) -> pa.Table:
    merchant, at_us = batch["merchant_id"].to_numpy(), batch["event_us"].to_numpy()
    by_time = np.argsort(at_us, kind="stable")
    known, first = np.unique(merchant[by_time], return_index=True)
    row = by_time[first]
    content = b"".join(keys.key(int(m), MERCHANT, "") for m in known)
    return _narrow(
        np.frombuffer(content, dtype="<i8").reshape(-1, 3),
        identifier=np.full(len(row), PARTS.index(MERCHANT)),
        kind=np.full(len(row), RowKind.ORDER),
        order_pk=np.zeros(len(row)),
        at_us=at_us[row],
        amount_cents=np.zeros(len(row)),
        recorded_key=batch["recorded_key"].to_numpy()[row],
        order_recorded_key=batch["recorded_key"].to_numpy()[row],
    )


def _narrow(words: Ints, **columns: object) -> pa.Table:
    rows = len(words)
    keys = {"entity_hi": words[:, 0], "entity_lo": words[:, 1], "entity_check": words[:, 2]}
    arrays = [
        pa.nulls(rows, field.type)
        if (column := keys.get(field.name, columns.get(field.name))) is None
        else _column(column, field.type)
        for field in NARROW
    ]
    return pa.table(arrays, schema=NARROW)


def _column(column: object, kind: pa.DataType) -> pa.Array | pa.ChunkedArray:
    if isinstance(column, (pa.Array, pa.ChunkedArray)):
        return column.cast(kind)
    return pa.array(np.asarray(column).astype(np.int64)).cast(kind)
