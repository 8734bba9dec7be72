"""Chargebacks that a merchant tells us of as they happen."""

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
    """Store a chargeback, or its reversal, that was reported to us at `reported_at` (aware).

    It counts from then on, or from when it is stored if that is more than five seconds later, and
    never before its order is known. Telling it twice does no harm: the first one counts. Returns
    whether it was stored, which it is not when the very same one is there. Raises
    psycopg.errors.CheckViolation for an instant after the database's clock.
    """
    stored = connection.execute(
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
    return stored.rowcount == 1
