"""Velocity features as a plain SQL self-join in DuckDB, which shares no code with the engines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import duckdb
import numpy as np
import pyarrow as pa

from features_pkg.definitions.velocity import Measure, Past, Velocity

Rows = dict[str, list[int | None]]

_ORDERS = """
CREATE TABLE orders AS
SELECT *, timezone($zone, event_at - to_hours(4))::DATE AS snapshot_day FROM given
"""

_ANSWERS = """
WITH named AS (
    SELECT row, merchant_id, {values} AS value FROM orders
),
events AS (
    SELECT n.merchant_id, n.value, o.*, o.{at} AS at, timezone($zone, o.{at})::DATE AS day
    FROM named AS n JOIN orders AS o USING (row)
    WHERE o.{at} IS NOT NULL
),
answers AS (
    SELECT asking.row, {measures}
    FROM named AS asking
    JOIN orders AS q USING (row)
    LEFT JOIN events AS e
      ON e.merchant_id = asking.merchant_id
     AND e.value = asking.value
     AND e.row <> asking.row
     AND e.at < q.event_at
    WHERE asking.value IS NOT NULL
    GROUP BY asking.row, asking.value
)
SELECT {best} FROM orders LEFT JOIN answers USING (row) GROUP BY orders.row ORDER BY orders.row
"""


def sql_answers(orders: pa.Table, velocities: Iterable[Velocity], zone: str) -> Rows:
    """The values of each of `velocities` for each row of `orders`, whose products are lists.

    A snapshot serves from 4 hours after its day began.
    """
    with duckdb.connect(config={"threads": 2}) as database:
        database.execute("SET TimeZone = 'UTC'")
        database.register("given", orders.append_column("row", pa.array(range(orders.num_rows))))
        database.execute(_ORDERS, {"zone": zone})
        by_kind: dict[tuple[str, str], list[Velocity]] = {}
        for velocity in velocities:
            by_kind.setdefault((velocity.identifier, velocity.event), []).append(velocity)
        answers: Rows = {}
        for (identifier, event), mine in by_kind.items():
            query = _query(identifier, event, mine)
            columns = database.execute(query, {"zone": zone}).fetchnumpy()
            answers |= {v.name: np.ma.array(columns[v.name]).tolist() for v in mine}
    return answers


def _query(identifier: str, event: str, velocities: Sequence[Velocity]) -> str:
    several = identifier == "product"
    return _ANSWERS.format(
        values="unnest(list_distinct(product))" if several else f'"{identifier}"',
        at="event_at" if event == "order" else "chargeback_at",
        measures=", ".join(f"{_measure(v)} AS {v.name}" for v in velocities),
        best=", ".join(
            f"{'min' if v.measure.is_age else 'max'}({v.name})::BIGINT AS {v.name}"
            for v in velocities
        ),
    )


def _measure(velocity: Velocity) -> str:
    inside = f"FILTER (WHERE {_inside(velocity)})"
    match velocity.measure:
        case Measure.COUNT:
            return f"count(e.row) {inside}"
        case Measure.AMOUNT:
            return f"coalesce(sum(e.amount_cents) {inside}, 0)"
        case Measure.DISTINCT if velocity.target == "product":
            return f"len(list_distinct(flatten(coalesce(list(e.product) {inside}, []))))"
        case Measure.DISTINCT:
            return f'count(DISTINCT e."{velocity.target}") {inside}'
        case Measure.FIRST_AGE:
            return "(epoch_us(any_value(q.event_at)) - epoch_us(min(e.at))) // 1000000"
        case Measure.LAST_AGE:
            return "(epoch_us(any_value(q.event_at)) - epoch_us(max(e.at))) // 1000000"


def _inside(velocity: Velocity) -> str:
    window = velocity.window
    if window is None:
        return "e.at < q.event_at"
    if velocity.past is Past.DISTANT:
        end = f"q.snapshot_day - {window.delay_days}"
        since = "" if window.days is None else f"e.day >= {end} - {window.days} AND "
        return f"{since}e.day < {end}"
    if window.text == "since_cutoff":
        return "e.day >= q.snapshot_day"
    if window.text == "ever":
        return "e.row IS NOT NULL"
    return f"e.at >= q.event_at - to_microseconds({window.span_us})"
