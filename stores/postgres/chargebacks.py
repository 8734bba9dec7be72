"""Chargebacks that a merchant tells us of as they happen."""

from datetime import datetime
from typing import Literal

from stores.postgres.connection import Connection

ChargebackKind = Literal["chargeback", "reversal"]


def record(
    connection: Connection,
    merchant_id: int,
    order_id: str,
    told_at: datetime,
    kind: ChargebackKind = "chargeback",
) -> bool:
    """Keep that we were told at `told_at` (aware) of a chargeback, or of its reversal.

    It counts from then on, or from when it is stored if that is more than five seconds later, and
    never before its order is known. Telling it twice does no harm: the first one counts. Returns
    whether it was stored, which it is not when the very same one is there. Raises
    psycopg.errors.CheckViolation for an instant after the database's clock.
    """
    stored = connection.execute(
        "INSERT INTO chargebacks (merchant_id, order_id, kind, event_at, told_at)"
        " VALUES (%(merchant_id)s, %(order_id)s, %(kind)s, %(told_at)s, %(told_at)s)"
        " ON CONFLICT (merchant_id, order_id, kind, event_at) DO NOTHING",
        {"merchant_id": merchant_id, "order_id": order_id, "kind": kind, "told_at": told_at},
    )
    return stored.rowcount == 1
