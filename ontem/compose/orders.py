"""Which orders PostgreSQL has, as far as the steps of a first start ask."""

from datetime import datetime
from typing import cast

from stores.postgres.connection import Connection


def has_orders(connection: Connection) -> bool:
    """Whether there is any order, of whatever merchant."""
    (row,) = connection.execute("SELECT EXISTS (SELECT FROM orders)").fetchall()
    return bool(row[0])


def span_of_orders(connection: Connection) -> tuple[datetime, datetime] | None:
    """When the first and the last order happened; None without any."""
    (row,) = connection.execute("SELECT min(event_at), max(event_at) FROM orders").fetchall()
    return None if row[0] is None else cast(tuple[datetime, datetime], row)
