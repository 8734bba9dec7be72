"""Order rows into shuffle rows: one per entity and event, and one per entity and question."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features_pkg.array_types import Ints
from features_pkg.identifiers import IDENTIFIERS, MERCHANT, Event, Identifier
from features_pkg.shuffle.entities import Entities, entities_of, key_words
from features_pkg.shuffle.rows import KEY_WORDS, NUMBER_OF, SHUFFLE_ROWS, RowKind

Targets = Mapping[tuple[Identifier, Event], tuple[Identifier, ...]]
"""`FeatureSet.targets`, or `timeline_targets` for a snapshot: what is looked at."""

_OF_QUESTIONS: Final = ("order_pk", "asked_us", "as_of", "visible", "event_us")


def explode(batch: pa.Table, targets: Targets) -> pa.Table:
    """The shuffle rows (`SHUFFLE_ROWS`) of a batch of keyed orders, with their questions.

    A batch has `KEYED_ROWS`; the features of values may be left out. Only identifiers, events and
    targets that a feature looks at get rows.
    """
    entities = {identifier: entities_of(batch, identifier) for identifier in IDENTIFIERS}
    events = {Event.ORDER: _orders(batch), Event.CHARGEBACK: _chargebacks(batch)}
    tables = [_first_of_merchants(batch)]
    for (identifier, event), names in targets.items():
        tables += list(_events(batch, events[event], identifier, names, entities))
    if "asked_us" in batch.column_names:
        looked_at = {identifier for identifier, _ in targets}
        tables += [_questions(batch, i, entities[i]) for i in IDENTIFIERS if i in looked_at]
    return pa.concat_tables(tables)


@dataclass(frozen=True, slots=True)
class _BatchEvents:
    """Events of a batch: each one's row, its kind, its instant and its recorded key."""

    row: Ints
    kind: Ints
    at_us: Ints
    recorded_key: Ints


def _orders(batch: pa.Table) -> _BatchEvents:
    rows = np.arange(batch.num_rows)
    kind = np.full(batch.num_rows, RowKind.ORDER)
    recorded_key = batch["recorded_key"].to_numpy()
    return _BatchEvents(rows, kind, batch["event_us"].to_numpy(), recorded_key)


def _chargebacks(batch: pa.Table) -> _BatchEvents:
    column = batch["chargeback_us"].combine_chunks()
    row = pc.list_parent_indices(column).to_numpy().astype(np.int64)
    first = np.concatenate(([True], row[1:] != row[:-1]))[: len(row)]
    kind = np.where(first, RowKind.CHARGEBACK, RowKind.REPEATED_CHARGEBACK)
    recorded_key = pc.list_flatten(batch["chargeback_key"].combine_chunks()).to_numpy()
    return _BatchEvents(row, kind, pc.list_flatten(column).to_numpy(), recorded_key)


def _events(
    batch: pa.Table,
    events: _BatchEvents,
    identifier: Identifier,
    targets: tuple[Identifier, ...],
    entities: Mapping[Identifier, Entities],
) -> Iterator[pa.Table]:
    named = entities[identifier]
    event, entity = named.of_rows(events.row)
    row = events.row[event]
    target, code = _target_lists(row, targets, entities)
    yield _shuffle_rows(
        named.words[entity],
        identifier=np.full(len(row), NUMBER_OF[identifier]),
        kind=events.kind[event],
        order_pk=batch["order_pk"].to_numpy()[row],
        at_us=events.at_us[event],
        amount_cents=batch["amount_cents"].to_numpy()[row],
        recorded_key=events.recorded_key[event],
        order_recorded_key=batch["recorded_key"].to_numpy()[row],
        target=target,
        code=code,
    )


def _target_lists(
    row: Ints, targets: tuple[Identifier, ...], entities: Mapping[Identifier, Entities]
) -> tuple[pa.Array, pa.Array]:
    """For each event, which of the orders' rows it is in `row`: its targets and their codes.

    All (event, target, code) of all targets are put one after the other, then sorted by event: so
    each event's are one slice, and `offsets` cuts the flat columns into a list per event.
    """
    found = [entities[target].of_rows(row) for target in targets]
    nothing = [np.zeros(0, np.int64)]
    event = np.concatenate([event for event, _ in found] or nothing)
    number = np.concatenate(
        [np.full(len(e), NUMBER_OF[t]) for t, (e, _) in zip(targets, found, strict=True)] or nothing
    )
    code = np.concatenate(
        [entities[t].words[i, 0] for t, (_, i) in zip(targets, found, strict=True)] or nothing
    )
    by_event = np.argsort(event, kind="stable")
    offsets = pa.array(np.searchsorted(event[by_event], np.arange(len(row) + 1)), pa.int32())
    numbers, codes = pa.array(number[by_event], pa.int8()), pa.array(code[by_event], pa.int64())
    return (
        pa.ListArray.from_arrays(offsets, numbers),
        pa.ListArray.from_arrays(offsets, codes),
    )


def _questions(batch: pa.Table, identifier: Identifier, entities: Entities) -> pa.Table:
    has_question = batch["asked_us"].is_valid().to_numpy()
    is_asking = has_question[entities.row]
    questions = batch.select(_OF_QUESTIONS).take(pa.array(entities.row[is_asking]))
    return _shuffle_rows(
        entities.words[is_asking],
        identifier=np.full(questions.num_rows, NUMBER_OF[identifier]),
        kind=np.full(questions.num_rows, RowKind.QUESTION),
        order_pk=questions["order_pk"],
        at_us=questions["asked_us"],
        as_of=questions["as_of"],
        visible=questions["visible"],
        own_us=questions["event_us"],
    )


def _first_of_merchants(batch: pa.Table) -> pa.Table:
    """The earliest order of each merchant: the merchant's own timeline needs no other."""
    merchant, at_us = batch["merchant_id"].to_numpy(), batch["event_us"].to_numpy()
    by_time = np.argsort(at_us, kind="stable")
    _, first = np.unique(merchant[by_time], return_index=True)
    row = by_time[first]
    return _shuffle_rows(
        key_words(batch[MERCHANT].take(pa.array(row)).combine_chunks()),
        identifier=np.full(len(row), NUMBER_OF[MERCHANT]),
        kind=np.full(len(row), RowKind.ORDER),
        order_pk=np.zeros(len(row)),
        at_us=at_us[row],
        amount_cents=np.zeros(len(row)),
        recorded_key=batch["recorded_key"].to_numpy()[row],
        order_recorded_key=batch["recorded_key"].to_numpy()[row],
    )


def _shuffle_rows(words: Ints, **columns: object) -> pa.Table:
    """`SHUFFLE_ROWS` of these columns; a column left out is null."""
    rows = len(words)
    keys = dict(zip(KEY_WORDS, words.T, strict=True))
    arrays = [
        pa.nulls(rows, field.type)
        if (column := keys.get(field.name, columns.get(field.name))) is None
        else _column(column, field.type)
        for field in SHUFFLE_ROWS
    ]
    return pa.table(arrays, schema=SHUFFLE_ROWS)


def _column(column: object, kind: pa.DataType) -> pa.Array | pa.ChunkedArray:
    if isinstance(column, (pa.Array, pa.ChunkedArray)):
        return column.cast(kind)
    numbers = pa.array(np.asarray(column).astype(np.int64, copy=False))
    return numbers if numbers.type == kind else numbers.cast(kind)
