"""Chargebacks that a merchant reports as they become known."""

from datetime import datetime
from typing import Literal

from stores.postgres.connection import Connection

ChargebackKind = Literal["chargeback", "reversal"]


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
