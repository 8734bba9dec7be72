"""The shuffled rows of whole entities as the events and questions of the array engine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from features_pkg.array_types import Ints
from features_pkg.calendar import Calendar
from features_pkg.chunked import list_column
from features_pkg.fold.states import SingleEvents, States, states_of
from features_pkg.history.events import Events, TargetValues
from features_pkg.history.sorted_events import SortedEvents
from features_pkg.identifiers import Event, Identifier
from features_pkg.shuffle.entities import words_of_rows
from features_pkg.shuffle.rows import ENTITY_KINDS, NUMBER_OF, RowKind

ROW_KINDS = {
    Event.ORDER: (RowKind.ORDER,),
    Event.CHARGEBACK: (RowKind.CHARGEBACK, RowKind.REPEATED_CHARGEBACK),
}
_OF_EVENTS: Final = (
    "at_us",
    "amount_cents",
    "target",
    "code",
    "order_pk",
    "recorded_key",
    "order_recorded_key",
)
_OF_STATES: Final = ("at_us", "amount_cents", "target", "code")


@dataclass(frozen=True, slots=True)
class Group:
    """All shuffle rows, or rows with states, of one identifier (or of merchants), its `name`.

    `entity` holds each row's dense code of its entity, `words` the key of each code.
    """

    name: str
    rows: pa.Table
    entity: Ints
    words: Ints

    @property
    def kind(self) -> Ints:
        """The `RowKind` of each row."""
        return np.asarray(self.rows["kind"].to_numpy().astype(np.int64))

    def events(
        self, event: Event, targets: Iterable[Identifier], calendar: Calendar
    ) -> SortedEvents:
        """The sorted events of one kind."""
        kind = self.kind
        is_of_event = np.isin(kind, ROW_KINDS[event])
        rows = self.rows.select(_OF_EVENTS).filter(pa.array(is_of_event))
        events = Events(
            entities=len(self.words),
            entity=self.entity[is_of_event],
            at_us=rows["at_us"].to_numpy(),
            amount_cents=rows["amount_cents"].to_numpy(),
            targets={
                target: TargetValues(values.event, np.unique(values.code, return_inverse=True)[1])
                for target, values in _target_values(rows, targets).items()
            },
            order=rows["order_pk"].to_numpy(),
            recorded_key=rows["recorded_key"].to_numpy(),
            order_recorded_key=rows["order_recorded_key"].to_numpy(),
            repeated=kind[is_of_event] == RowKind.REPEATED_CHARGEBACK,
        )
        return SortedEvents(events, calendar)


def groups(table: pa.Table) -> Iterator[Group]:
    """The rows of a table of shuffled rows, identifier by identifier."""
    identifier = table["identifier"].to_numpy()
    for number in np.unique(identifier).tolist():
        rows = table.filter(pa.array(identifier == number))
        words = words_of_rows(rows)
        first, entity = _dense(words)
        yield Group(ENTITY_KINDS[number], rows, entity, words[first])


def _dense(words: Ints) -> tuple[Ints, Ints]:
    """A row of each different key, and the dense code of each row's key."""
    _, first, entity = np.unique(words[:, 0], return_index=True, return_inverse=True)
    if (words[first[entity]] == words).all():
        return first, entity
    # Two different keys begin with the same 64 bits: tell them apart by the whole key.
    _, first, entity = np.unique(words, axis=0, return_index=True, return_inverse=True)
    return first, entity.reshape(-1)


def _target_values(rows: pa.Table, targets: Iterable[Identifier]) -> dict[Identifier, TargetValues]:
    lengths, numbers = list_column(rows["target"])
    _, codes = list_column(rows["code"])
    event = np.repeat(np.arange(len(lengths)), lengths)
    values = {}
    for target in targets:
        is_of_target = numbers == NUMBER_OF[target]
        values[target] = TargetValues(event[is_of_target], codes[is_of_target])
    return values


def single_states(
    group: Group, targets: Mapping[Event, tuple[Identifier, ...]], calendar: Calendar
) -> States:
    """The state of each row, as that of an entity of its own; a repeated chargeback has none."""
    events, kind = {}, group.kind
    for event, names in targets.items():
        number = np.flatnonzero(kind == ROW_KINDS[event][0])
        rows = group.rows.select(_OF_STATES).take(pa.array(number))
        events[event] = SingleEvents(
            entity=number,
            at_us=rows["at_us"].to_numpy(),
            amount_cents=rows["amount_cents"].to_numpy(),
            targets=_target_values(rows, names),
        )
    return states_of(events, len(kind), calendar)
