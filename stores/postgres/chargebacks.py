"""Chargebacks that a merchant reports as they become known."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, cast

from stores.postgres.connection import Connection

ChargebackKind = Literal["chargeback", "reversal"]


@dataclass(frozen=True, slots=True)
class Reports:
    """What is stored of an order that a report names."""

    has_order: bool
    first_chargeback: datetime | None
    """When the first chargeback was reported; None when none was."""


def find_reports(connection: Connection, merchant_id: int, order_id: str) -> Reports:
    """Whether the order is stored, and since when it is charged back."""
    (row,) = connection.execute(
        "SELECT EXISTS (SELECT FROM orders WHERE merchant_id = %(merchant_id)s"
        " AND order_id = %(order_id)s),"
        " (SELECT min(event_at) FROM chargebacks WHERE merchant_id = %(merchant_id)s"
        " AND order_id = %(order_id)s AND kind = 'chargeback')",
        {"merchant_id": merchant_id, "order_id": order_id},
    ).fetchall()
    return Reports(bool(row[0]), cast(datetime | None, row[1]))


def record_chargeback(
    connection: Connection,
    merchant_id: int,
    order_id: str,
    reported_at: datetime,
    kind: ChargebackKind = "chargeback",
) -> bool:
    """Store a chargeback, or its reversal, that was reported at `reported_at` (aware).

    Returns False when the same report is stored already. A chargeback counts from `reported_at` on,
    or from when it is stored if that is more than five seconds later, and never before its order.
    Of several reports for one order the first one counts. Raises psycopg.errors.CheckViolation for
    an instant that is later than the database's clock.
    """
    inserted = connection.execute(
        "INSERT INTO chargebacks (merchant_id, order_id, kind, event_at, reported_at)"
        " VALUES (%(merchant_id)s, %(order_id)s, %(kind)s, %(reported_at)s, %(reported_at)s)"
        " ON CONFLICT (merchant_id, order_id, kind, event_at) DO NOTHING",
        {
            "merchant_id": merchant_id,
            "order_id": order_id,
            "kind": kind,
            "reported_at": reported_at,
        },
    )
    return inserted.rowcount == 1
