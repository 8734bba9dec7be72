"""A session of the service, to look at its plans and at the rows that it reads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from psycopg import sql
from psycopg.types.numeric import Int8

from features_pkg.calendar import to_us
from features_pkg.identifiers import SINGLE_VALUED
from features_pkg.orders.order import Order
from service import recent, recording, stored_evaluations
from service.database import Database
from service.statements import Statement, rows
from stores.postgres.api_keys import ApiKey
from stores.postgres.chargebacks import ChargebackKind, record_chargeback
from stores.postgres.merchants import authenticate
from stores.urls import with_login
from tests.servers import service_login

NOW = datetime.now(UTC)
STATEMENTS = {
    "the recent read": "'visible' AS event",
    "the stored answer": "SELECT o.content_hash, e.evaluation_id",
    "an evaluation by its id": "AND e.evaluation_id = $",
    "an evaluation by its order": "AND e.order_id = $",
    "the storing": "INSERT INTO evaluations",
}


def an_order(**values: Any) -> Order:
    named = {name: f"unknown {name}" for name in SINGLE_VALUED} | {"product": ("unknown",)} | values
    return Order(order_id="new", amount_cents=1990, items=(), **named)


def an_evaluation(order: Order) -> recording.Evaluation:
    return recording.Evaluation(
        evaluation_id=uuid4(), merchant_id=1, order=order, content_hash=bytes(32),
        evaluated_us=to_us(datetime.now(UTC)), vector=(), missing=(), score=None, decision="allow",
        model="", feature_set="", timelines="", load=None, stale_days=None, visible=None,
        generation=None,
    )  # fmt: skip


class PlannedSession:
    """A session of the service that has made its plans, for whichever merchant was the first."""

    def __init__(self, url: str, planned_for: int = 1) -> None:
        self.merchant_id = planned_for
        url = with_login(url, service_login(url))
        self.connection = Database(url, statement_timeout=timedelta(minutes=1))._make()
        self.connection.seconds_left = None
        if planned_for:
            self.rows_to_store()
        else:  # for nobody nothing is stored
            self.connection.execute(b"PREPARE storing AS " + recording.RECORD.text)
        self.rows_to_authenticate(ApiKey.new())
        self.run(recent.RECENT, self.values(an_order()))
        merchant = {"merchant_id": Int8(planned_for)}
        self.run(recording.STORED_EVALUATION, {**merchant, "order_id": "new"})
        self.run(stored_evaluations._BY_ORDER, {**merchant, "order_id": "new"})
        self.run(stored_evaluations._BY_ID, {**merchant, "evaluation_id": uuid4()})
        for text in STATEMENTS.values():
            self.explain(text)  # plans the one that was not run, too
        self.merchant_id = 1

    def run(self, statement: Statement, values: dict[str, Any]) -> list[Any]:
        return rows(self.connection, statement, values)

    def values(self, order: Order) -> dict[str, Any]:
        return {name: getattr(order, name) for name in SINGLE_VALUED} | {
            "merchant_id": Int8(self.merchant_id), "order_id": order.order_id,
            "product": list(order.product),
            "from_at": NOW - timedelta(days=1), "to_at": NOW,
        }  # fmt: skip

    def rows_to_store(self, kind: ChargebackKind = "chargeback") -> int:
        """How many rows are read to store an order and three reports of chargebacks.

        They are taken back. The plans stay, also those of triggers.
        """
        with self.transaction(force_rollback=True):
            before = self.rows_read()
            assert self.run(recording.RECORD, recording.values_of(an_evaluation(an_order())))
            for order_id in ("new", "o9999", "unknown"):
                record_chargeback(self.connection, 1, order_id, datetime.now(UTC), kind)
            return self.rows_read() - before

    def rows_to_authenticate(self, key: ApiKey) -> int:
        with self.transaction():
            before = self.rows_read()
            authenticate(self.connection, key)
            return self.rows_read() - before

    @contextmanager
    def transaction(self, *, force_rollback: bool = False) -> Iterator[None]:
        """A transaction about the merchant."""
        with self.connection.transaction(force_rollback=force_rollback):
            self.connection.execute(
                "SELECT set_config('ontem.merchant', %s, true)", [str(self.merchant_id)]
            )
            yield

    def rows_read(self) -> int:
        """A count of the rows that are read, in triggers and functions, too."""
        ((count,),) = self.connection.execute(
            "SELECT sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))"
            " FROM pg_stat_xact_user_tables WHERE relname <> 'generations'"
        ).fetchall()
        return int(str(count))

    def explain(self, text: str, *values: object, options: str = "FORMAT JSON") -> dict[str, Any]:
        """The plan of the prepared statement with that text in it; other values are null."""
        ((name, parameters),) = self.connection.execute(
            "SELECT name, cardinality(parameter_types) FROM pg_prepared_statements"
            " WHERE strpos(statement, %s) > 0",
            [text],
        ).fetchall()
        literals = [*values, *[None] * (int(str(parameters)) - len(values))]
        query = sql.SQL("EXPLAIN ({}) EXECUTE {}({})").format(
            sql.SQL(options),  # type: ignore[arg-type]
            sql.Identifier(str(name)),
            sql.SQL(", ").join(map(sql.Literal, literals)),
        )
        with self.transaction():
            (row,) = self.connection.execute(query).fetchall()
        return row[0][0]["Plan"]  # type: ignore[index]

    def events(self, order: Order) -> list[Any]:
        return [row for row in self.run(recent.RECENT, self.values(order)) if row[0]]

    def explain_recent(self, order: Order) -> dict[str, Any]:
        """The plan of the recent read of an order, with the rows and buffers that it read."""
        values = self.values(order)
        literals = [values[name] for name in recent.RECENT.names]
        options = "ANALYZE, TIMING OFF, BUFFERS, FORMAT JSON"
        return self.explain(STATEMENTS["the recent read"], *literals, options=options)
