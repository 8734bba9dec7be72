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
from features_pkg.history.held_events import NO_EVENTS
from features_pkg.identifiers import SINGLE_VALUED, Identifier
from features_pkg.orders.order import Order
from service import recent, recording, stored_evaluations
from service.database import Database
from service.hot.entity import LATE_AFTER_US, EntityName, HeldEntity
from service.hot.statements import HOLD, SINCE, hold_values, since_values
from service.statements import Statement, rows
from stores.postgres.api_keys import ApiKey
from stores.postgres.chargebacks import ChargebackKind, record_chargeback
from stores.postgres.merchants import authenticate
from stores.urls import with_login
from tests.servers import service_login

NOW = datetime.now(UTC)
STATEMENTS = {
    "the recent read": recent.RECENT.text.decode(),
    "the recent read since what is held": SINCE.text.decode(),
    "the read of what is held": HOLD.text.decode(),
    "the stored answer": recording.STORED_EVALUATION.text.decode(),
    "an evaluation by its id": stored_evaluations._BY_ID.text.decode(),
    "an evaluation by its order": stored_evaluations._BY_ORDER.text.decode(),
    "the storing": recording.RECORD.text.decode(),
}
BEGAN_US = to_us(NOW - timedelta(days=1))


def hold_all(merchant_id: int, identifier: str, value: str) -> dict[str, Any]:
    """The values of the read of all that an entity did in a day."""
    return hold_values(
        EntityName(merchant_id, identifier, value), None, from_us=BEGAN_US, until_us=to_us(NOW),
        settled_us=to_us(NOW), generation=1, watermark=3,
        targets=frozenset({Identifier.DOCUMENT, Identifier.PRODUCT}),
    )  # fmt: skip


def held_until(merchant_id: int, until_us: int) -> HeldEntity:
    """A CEP that is held until then."""
    return HeldEntity(
        name=EntityName(merchant_id, "zip_code", "01310100"), generation=1, visible="1:1:",
        watermark=1, open=frozenset(), from_us=0, settled_us=until_us - LATE_AFTER_US,
        until_us=until_us, orders=NO_EVENTS, chargebacks=NO_EVENTS,
    )  # fmt: skip


def an_order(**values: Any) -> Order:
    named = {name: f"unknown {name}" for name in SINGLE_VALUED} | {"product": ("unknown",)} | values
    return Order(order_id="new", amount_cents=1990, items=(), **named)


def an_evaluation(order: Order) -> recording.Evaluation:
    return recording.Evaluation(
        evaluation_id=uuid4(), merchant_id=1, request_id="of-a-plan", order=order,
        content_hash=bytes(32),
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
        self.run(SINCE, self.since_values(an_order(), held_until(planned_for, to_us(NOW))))
        self.run(HOLD, hold_all(planned_for, "user", "nobody"))
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
            "from_at": NOW - timedelta(days=1), "to_at": NOW, "most_rows": Int8(recent.ALL_ROWS),
        }  # fmt: skip

    def since_values(self, order: Order, held: HeldEntity) -> dict[str, Any]:
        return since_values(
            self.merchant_id, order, {held.name: held}, from_us=BEGAN_US, to_us=to_us(NOW),
            most_rows=recent.ALL_ROWS,
        )  # fmt: skip

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
        rows = self.run(recent.RECENT, self.values(order))
        return [row for row in rows if row[2] in {"order", "chargeback"}]

    def explain_recent(self, order: Order, most_rows: int = recent.ALL_ROWS) -> dict[str, Any]:
        """The plan of the recent read of an order, with the rows and buffers that it read."""
        return self._analyze(recent.RECENT, self.values(order) | {"most_rows": most_rows})

    def explain_since(self, order: Order, held: HeldEntity) -> dict[str, Any]:
        """The same of the read without what is held."""
        return self._analyze(SINCE, self.since_values(order, held))

    def _analyze(self, statement: Statement, values: dict[str, Any]) -> dict[str, Any]:
        literals = [values[name] for name in statement.names]
        options = "ANALYZE, TIMING OFF, BUFFERS, FORMAT JSON"
        return self.explain(statement.text.decode(), *literals, options=options)
