"""The narrow rows of whole entities as the events and questions of the bulk path."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features_pkg.array_types import Ints
from features_pkg.calendar import Calendar
from features_pkg.engines.arrays import Events, History, Values
from features_pkg.identifiers import Event, Identifier
from features_pkg.shuffle.rows import PARTS, RowKind


@dataclass(frozen=True, slots=True)
class Group:
    """All rows of one identifier; `entity` are dense codes, `words` the key of each code."""

    name: str
    rows: pa.Table
    kind: Ints
    entity: Ints
    words: Ints

    def history(self, event: Event, targets: Iterable[Identifier], calendar: Calendar) -> History:
        """The sorted events of one kind."""
        kinds = (RowKind.ORDER,) if event is Event.ORDER else (RowKind.CHARGEBACK, RowKind(2))
        mine = np.isin(self.kind, kinds)
        rows = self.rows.filter(pa.array(mine))
        events = Events(
            entities=len(self.words),
            entity=self.entity[mine],
            at_us=rows["at_us"].to_numpy(),
            amount_cents=rows["amount_cents"].to_numpy(),
            targets=_targets(rows, targets),
            order=rows["order_pk"].to_numpy(),
            recorded_key=rows["recorded_key"].to_numpy(),
            order_recorded_key=rows["order_recorded_key"].to_numpy(),
            extra=self.kind[mine] == RowKind.LATER_CHARGEBACK,
        )
        return History(events, calendar)


def groups(table: pa.Table) -> Iterator[Group]:
    """The rows of a table of narrow rows, identifier by identifier."""
    identifier = table["identifier"].to_numpy()
    for number in np.unique(identifier).tolist():
        rows = table.filter(pa.array(identifier == number)).combine_chunks()
        columns = ("entity_hi", "entity_lo", "entity_check")
        words = np.stack([rows[name].to_numpy() for name in columns], axis=1)
        first, entity = _dense(words)
        kind = rows["kind"].to_numpy().astype(np.int64)
        yield Group(PARTS[number], rows, kind, entity, words[first])


def _dense(words: Ints) -> tuple[Ints, Ints]:
    _, first, entity = np.unique(words[:, 0], return_index=True, return_inverse=True)
    if (words[first[entity]] == words).all():
        return first, entity
    # Two of the 64-bit codes are alike: tell them apart by the whole key.
    _, first, entity = np.unique(words, axis=0, return_index=True, return_inverse=True)
    return first, entity.reshape(-1)


def _targets(rows: pa.Table, targets: Iterable[Identifier]) -> dict[Identifier, Values]:
    number = rows["target"].combine_chunks()
    event = pc.list_parent_indices(number).to_numpy().astype(np.int64)
    numbers = pc.list_flatten(number).to_numpy()
    codes = pc.list_flatten(rows["code"].combine_chunks()).to_numpy()
    found = {}
    for target in targets:
        mine = numbers == PARTS.index(target)
        _, code = np.unique(codes[mine], return_inverse=True)
        found[target] = Values(event[mine], code)
    return found
