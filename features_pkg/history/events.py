"""Events of one identifier as arrays, in any order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from features_pkg.array_types import Ints, Mask
from features_pkg.history.ragged import expand
from features_pkg.identifiers import Identifier


@dataclass(frozen=True, slots=True)
class TargetValues:
    """The values of one target: `code[i]` came with the event at row `event[i]`; none is null.

    An event with several values has a row for each. Codes are dense: 0 to their number less one.
    """

    event: Ints
    code: Ints


@dataclass(frozen=True, slots=True)
class Events:
    """Events of one identifier and one kind, a row for each entity they named; in any order.

    `entity` holds dense codes below `entities`, shared with the questions. `order` is the order
    that a row belongs to, `recorded_key` the transaction that stored it (of a chargeback and its
    order the later), `order_recorded_key` the one that stored its order. `repeated` marks the later
    chargebacks of an order: they count only for questions that could not see its first.
    """

    entities: int
    entity: Ints
    at_us: Ints
    amount_cents: Ints
    targets: Mapping[Identifier, TargetValues] = field(default_factory=dict)
    order: Ints | None = None
    recorded_key: Ints | None = None
    order_recorded_key: Ints | None = None
    repeated: Mask | None = None


def without_repeated(events: Events) -> Events:
    """The events that count for everybody who can see all of them."""
    if events.repeated is None or not events.repeated.any():
        return events
    rows = np.flatnonzero(~events.repeated)
    return select(events, rows, entity=events.entity[rows], entities=events.entities)


def select(events: Events, rows: Ints, *, entity: Ints, entities: int) -> Events:
    """The rows `rows` of `events`, each perhaps several times, as events of the codes `entity`.

    `entity[i]` is the code that the row `rows[i]` gets. What a question could see is decided by
    then, so orders and transactions are left out.
    """
    return Events(
        entities=entities,
        entity=entity,
        at_us=events.at_us[rows],
        # Amounts are empty where no feature looks at them.
        amount_cents=events.amount_cents[rows] if len(events.amount_cents) else rows[:0],
        targets={
            target: _select_values(values, rows, len(events.entity))
            for target, values in events.targets.items()
        },
    )


def _select_values(values: TargetValues, rows: Ints, all_rows: int) -> TargetValues:
    """The target values of the selected rows.

    Grouped by event, the values of event `e` are the slice from `start[e]` to `start[e + 1]`; each
    selected row takes the slice of the event that it was.
    """
    grouped = np.argsort(values.event, kind="stable")
    start = np.searchsorted(values.event[grouped], np.arange(all_rows + 1))
    event, index = expand(start[rows], np.diff(start)[rows])
    return TargetValues(event, values.code[grouped[index]])
