"""Stored vectors against the features that `point_in_time` counts from all rows."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from psycopg.rows import dict_row

from benchmarks.warm_stack import WarmStack
from features_pkg import point_in_time
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.identifiers import SINGLE_VALUED
from stores.postgres.connection import Connection, connect
from stores.settings import Settings

COLUMNS = ("order_id", "merchant_id", "event_at", "amount_cents", "chargeback_at", *SINGLE_VALUED)
ROWS = """
    SELECT o.*, (
        SELECT greatest(c.event_at, o.event_at) FROM chargebacks c
        WHERE c.merchant_id = o.merchant_id AND c.order_id = o.order_id AND c.kind = 'chargeback'
        ORDER BY c.event_at LIMIT 1
    ) AS chargeback_at
    FROM orders o
"""


def differences(stack: WarmStack, order_ids: Sequence[str]) -> int:
    """How many of these orders have another stored vector than all rows say by now.

    It knows no transactions, so it is for orders that came one after the other.
    """
    settings = Settings.from_environ(stack.environ)
    names = FeatureSet(settings.timezone, settings.snapshot_lag).names
    with connect(settings.postgres_url, application_name="bench", autocommit=True) as connection:
        orders, stored = _orders(connection), _stored(connection, order_ids)
    counted = point_in_time(orders, timezone=settings.timezone, snapshot_lag=settings.snapshot_lag)
    counted_names = counted.column_names[1:]
    positions = [names.index(name) for name in counted_names]
    different = 0
    for row in counted.filter(pc.is_in(counted["order_id"], pa.array(order_ids))).to_pylist():
        vector = np.frombuffer(stored[row["order_id"]], "<f8")[positions]
        expected = [np.nan if row[name] is None else float(row[name]) for name in counted_names]
        different += not np.array_equal(vector, expected, equal_nan=True)
    return different


def _orders(connection: Connection) -> pa.Table:
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(ROWS).fetchall()
    return pa.table({name: [row[name] for row in rows] for name in (*COLUMNS, "product")})


def _stored(connection: Connection, order_ids: Sequence[str]) -> dict[str, bytes]:
    rows = connection.execute(
        "SELECT order_id, vector FROM evaluations WHERE order_id = ANY (%s)", (list(order_ids),)
    ).fetchall()
    return {str(order_id): bytes(vector) for order_id, vector in rows}  # type: ignore[call-overload]
