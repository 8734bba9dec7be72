"""How many entities have a new event, counted by PostgreSQL alone."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from features_pkg.identifiers import SINGLE_VALUED
from stores.postgres.connection import Connection

TOUCHED: Final = """
WITH charged AS (
    SELECT merchant_id, order_id, min(event_at) AS charged_at
    FROM chargebacks WHERE kind = 'chargeback' GROUP BY merchant_id, order_id
), touched AS MATERIALIZED (
    SELECT o.* FROM orders o WHERE o.event_at >= %(start)s AND o.event_at < %(end)s
    UNION ALL
    SELECT o.* FROM charged c JOIN orders o USING (merchant_id, order_id)
    WHERE greatest(c.charged_at, o.event_at) >= %(start)s
      AND greatest(c.charged_at, o.event_at) < %(end)s
)
"""
PRODUCTS: Final = (
    "SELECT count(DISTINCT (merchant_id, product.name)) "
    "FROM touched CROSS JOIN unnest(product) AS product (name)"
)
MERCHANTS: Final = "SELECT count(DISTINCT merchant_id) FROM touched"


@dataclass(frozen=True)
class NewEntities:
    """The values of identifiers that have an event in a period, and the merchants."""

    of_identifiers: int
    merchants: int

    def agree(self, written: int) -> bool:
        """Whether so many were written: a merchant's own is, where its first order is new."""
        return written in (self.of_identifiers, self.of_identifiers + self.merchants)


def new_entities(connection: Connection, start: datetime, end: datetime) -> NewEntities:
    """Those with an order, or with the first chargeback of one, in `[start, end)`."""
    counts = [
        f'SELECT count(DISTINCT (merchant_id, "{name}")) FROM touched WHERE "{name}" IS NOT NULL'  # noqa: S608  our own
        for name in SINGLE_VALUED
    ]
    values = " UNION ALL ".join([*counts, PRODUCTS])
    query = f"{TOUCHED} SELECT sum(count), ({MERCHANTS}) FROM ({values}) AS values"  # noqa: S608
    ((entities, merchants),) = connection.execute(
        query.encode(), {"start": start, "end": end}
    ).fetchall()
    return NewEntities(int(str(entities)), int(str(merchants)))
