"""The recent past of one order: one read of PostgreSQL, and what that read could see."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final, NoReturn

import psycopg
from psycopg.types.numeric import Int8

from features_pkg import calendar
from features_pkg.engines.held import HeldByEntity
from features_pkg.history.recent_events import RecentEvent
from features_pkg.identifiers import IDENTIFIERS, SINGLE_VALUED
from features_pkg.orders.order import Order
from service.deadline import Deadline
from service.errors import PastUnavailable
from service.session import Session
from service.statements import Statement, prepare
from stores.postgres.connection import PostgresUnavailable
from stores.postgres.pipelined import Row

RECENT: Final = prepare(
    "recent",
    *("merchant_id", "order_id", "to_at", "product", "most_rows"),
    values={name: name for name in SINGLE_VALUED},
    from_at=dict.fromkeys(IDENTIFIERS, "from_at"),
    settled_at="to_at",
    held=False,
)
ALL_ROWS: Final = 2**62
"""A limit that no entity has as many rows as."""


@dataclass(frozen=True, slots=True)
class RecentRead:
    """What one statement saw; `visible` is its snapshot in PostgreSQL's text form."""

    visible: str
    own_at_us: int | None
    """From when this very order counts, if it is stored already."""
    events: tuple[RecentEvent, ...]
    generation: int | None
    """That of the server that was read; None if its rows are another server's."""
    is_whole: bool = True
    """Whether `events` and `held` are all that there is, and not the order's own."""
    held: HeldByEntity = field(default_factory=dict)
    """What the process holds of some entities; it has no event in common with `events`."""


def ask(
    session: Session,
    merchant_id: int,
    order: Order,
    *,
    from_us: int,
    to_us: int,
    deadline: Deadline,
) -> Callable[[], RecentRead]:
    """Ask for all events in [from_us, to_us) that name an identifier of the order, but its own.

    PostgreSQL is asked now. What is returned takes its answer, and raises PastUnavailable when it
    could not be asked, refuses, or does not answer by the deadline.
    """
    values = values_of(merchant_id, order, from_us, to_us)
    rows = ask_rows(session, RECENT, values, deadline)
    return lambda: recent_read(rows(), session.generation)


def ask_rows(
    session: Session, statement: Statement, values: Mapping[str, object], deadline: Deadline
) -> Callable[[], list[Row]]:
    """Send a read of the recent past; what is returned takes its rows or raises PastUnavailable."""
    try:
        pending = session.send(statement, values, deadline)
    except (psycopg.Error, PostgresUnavailable) as cause:
        return partial(_raise_unavailable, cause)

    def rows() -> list[Row]:
        try:
            return pending.rows()
        except (psycopg.Error, PostgresUnavailable) as cause:
            _raise_unavailable(cause)

    return rows


def _raise_unavailable(cause: Exception) -> NoReturn:
    raise PastUnavailable(f"recent: {type(cause).__name__}") from cause


def values_of(
    merchant_id: int, order: Order, from_us: int, to_us: int, most_rows: int = ALL_ROWS
) -> dict[str, object]:
    """The values of the statement; `most_rows` are read of an entity."""
    return {name: getattr(order, name) for name in SINGLE_VALUED} | {
        "merchant_id": Int8(merchant_id),
        "order_id": order.order_id,
        "from_at": calendar.from_us(from_us),
        "to_at": calendar.from_us(to_us),
        "product": list(order.product),
        "most_rows": Int8(most_rows),
    }


def recent_read(rows: Sequence[Row], generation: int | None) -> RecentRead:
    """What the rows of the statement say."""
    visible, own_at_us, events = "", None, []
    for row in rows:
        match row[2]:
            case "order" | "chargeback":
                events.append(RecentEvent._make(row))
            case "visible":
                visible = row[1]
            case "own":
                own_at_us = row[3]
    return RecentRead(visible, own_at_us, tuple(events), generation)
