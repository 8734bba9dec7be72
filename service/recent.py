"""The recent past of one order: one read of PostgreSQL, and what that read could see."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import psycopg
from psycopg.types.numeric import Int8

from features_pkg import calendar
from features_pkg.history.recent_events import RecentEvent
from features_pkg.identifiers import SINGLE_VALUED
from features_pkg.orders.order import Order
from service.deadline import Deadline
from service.errors import PastUnavailable
from service.session import Session
from service.statements import prepare
from stores.postgres.connection import PostgresUnavailable
from stores.postgres.pipelined import Row

RECENT: Final = prepare(
    "recent",
    *("merchant_id", "order_id", "from_at", "to_at", "product"),
    values={name: name for name in SINGLE_VALUED},
)


@dataclass(frozen=True, slots=True)
class RecentRead:
    """What one statement saw; `visible` is its snapshot in PostgreSQL's text form."""

    visible: str
    own_at_us: int | None
    """From when this very order counts, if it is stored already."""
    events: tuple[RecentEvent, ...]
    generation: int | None
    """That of the server that was read; None if its rows are another server's."""


def read(
    session: Session,
    merchant_id: int,
    order: Order,
    *,
    from_us: int,
    to_us: int,
    deadline: Deadline,
) -> RecentRead:
    """The events in [from_us, to_us) that name an identifier of the order; never the order's own.

    Raises PastUnavailable when PostgreSQL does not answer by the deadline, or refuses.
    """
    try:
        rows = session.run(RECENT, values_of(merchant_id, order, from_us, to_us), deadline)
    except (psycopg.Error, PostgresUnavailable) as cause:
        raise PastUnavailable(f"recent: {type(cause).__name__}") from cause
    return _recent_read(rows, session.generation)


def values_of(merchant_id: int, order: Order, from_us: int, to_us: int) -> dict[str, object]:
    """The values of the statement."""
    return {name: getattr(order, name) for name in SINGLE_VALUED} | {
        "merchant_id": Int8(merchant_id),
        "order_id": order.order_id,
        "from_at": calendar.from_us(from_us),
        "to_at": calendar.from_us(to_us),
        "product": list(order.product),
    }


def _recent_read(rows: Sequence[Row], generation: int | None) -> RecentRead:
    visible, own_at_us, events = "", None, []
    for row in rows:
        if row[2] == "visible":
            visible = row[1]
        elif row[2] == "own":
            own_at_us = row[3]
        else:
            events.append(RecentEvent._make(row))
    return RecentRead(visible, own_at_us, tuple(events), generation)
