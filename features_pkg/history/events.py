"""Events and their target values as arrays, before they are sorted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from features_pkg.array_types import Ints, Mask
from features_pkg.identifiers import Identifier


@dataclass(frozen=True, slots=True)
class Values:
    """The values of one target: `code[i]` came with the event at row `event[i]`; none is null.

    An event may stand there several times, each time with another code. Codes are dense: 0 to
    their number less one.
    """

    event: Ints
    code: Ints


@dataclass(frozen=True, slots=True)
class Events:
    """Events of one identifier and one kind, a row for each entity they named; in any order.

    `entity` holds dense codes below `entities`, shared with the questions. `order` tells whose
    event it is, `recorded_key` in which transaction it was stored (a chargeback's own or its
    order's, the later), `order_recorded_key` in which its order was. `extra` marks the later
    chargebacks of an order: they count only for questions that could not see its first.
    """

    entities: int
    entity: Ints
    at_us: Ints
    amount_cents: Ints
    targets: Mapping[Identifier, Values] = field(default_factory=dict)
    order: Ints | None = None
    recorded_key: Ints | None = None
    order_recorded_key: Ints | None = None
    extra: Mask | None = None


def take(events: Events, mask: Mask) -> Events:
    """The rows of `events` where `mask` is true."""
    new_row = np.cumsum(mask) - 1
    targets = {}
    for target, values in events.targets.items():
        kept = mask[values.event]
        targets[target] = Values(new_row[values.event[kept]], values.code[kept])
    return Events(
        entities=events.entities,
        entity=events.entity[mask],
        at_us=events.at_us[mask],
        amount_cents=events.amount_cents[mask],
        targets=targets,
        order=None if events.order is None else events.order[mask],
        recorded_key=None if events.recorded_key is None else events.recorded_key[mask],
        order_recorded_key=None
        if events.order_recorded_key is None
        else events.order_recorded_key[mask],
        extra=None if events.extra is None else events.extra[mask],
    )
