"""Orders and chargebacks of the past in a real database: a test says only what matters to it."""

import hashlib
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from jobs.job import Job
from stores.postgres.connection import Connection, connect
from stores.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

NOON = datetime(2018, 5, 20, 15, tzinfo=UTC)


@dataclass(slots=True)
class History:
    """One database's past; `merchant_id` is the first merchant."""

    url: str
    merchant_id: int = 0
    import_id: int = 0
    orders: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        with self.connect() as connection:
            self.merchant_id = self._one(
                connection, "INSERT INTO merchants (name) VALUES ('loja') RETURNING merchant_id"
            )
            self.import_id = self._one(
                connection,
                "INSERT INTO imports (merchant_id, kind, source, sha256) VALUES"
                " (%s, 'orders', 'test', decode(repeat('00', 32), 'hex')) RETURNING import_id",
                self.merchant_id,
            )

    def connect(self) -> Connection:
        """A session in autocommit."""
        return connect(self.url, application_name="tests", autocommit=True)

    def order(self, at: datetime = NOON, **values: Any) -> str:
        """An imported order; its id."""
        return self._order(at, {"import_id": self.import_id, **values})

    def live_order(self, at: datetime, **values: Any) -> str:
        """An order that was evaluated at that instant of the development clock; its id."""
        return self._order(at, {"evaluated_at": at, **values})

    def chargeback(self, order_id: str, at: datetime, kind: str = "chargeback") -> None:
        """An imported chargeback, or reversal, of an order."""
        with self.connect() as connection:
            connection.execute(
                "INSERT INTO chargebacks"
                " (merchant_id, order_id, kind, event_at, reported_at, import_id)"
                " VALUES (%s, %s, %s, %s, %s, %s)",
                (self.merchant_id, order_id, kind, at, at, self.import_id),
            )

    def evaluation(self, order_id: str, at: datetime, **values: Any) -> None:
        """What the service stored of a live order; `visible` is the present snapshot by default."""
        columns = {
            "evaluation_id": hashlib.sha256(order_id.encode()).hexdigest()[:32],
            "merchant_id": self.merchant_id,
            "order_id": order_id,
            "content_hash": bytes(32),
            "decision": "allow",
            "evaluated_at": at,
            **values,
        }
        names = ", ".join(columns)
        marks = ", ".join(f"%({name})s" for name in columns)
        visible = "" if "visible" in columns else ", pg_current_snapshot()"
        with self.connect() as connection:
            connection.execute(
                f"INSERT INTO evaluations ({names}, order_pk{', visible' if visible else ''})"
                f" SELECT {marks}, order_pk{visible} FROM orders"
                " WHERE order_id = %(order_id)s".encode(),
                columns,
            )

    def _order(self, at: datetime, values: dict[str, Any]) -> str:
        order_id = values.pop("order_id", f"o{len(self.orders)}")
        row = {
            "merchant_id": self.merchant_id,
            "order_id": order_id,
            "event_at": at,
            "content_hash": hashlib.sha256(order_id.encode()).digest(),
            "amount_cents": 1000,
            **values,
        }
        names = ", ".join(f'"{name}"' for name in row)
        marks = ", ".join(f"%({name})s" for name in row)
        with self.connect() as connection:
            connection.execute("SELECT set_config('ontem.clock', %s, false)", (at.isoformat(),))
            connection.execute(f"INSERT INTO orders ({names}) VALUES ({marks})".encode(), row)
        self.orders.append(row)
        return order_id

    @staticmethod
    def _one(connection: Connection, query: str, *values: object) -> int:
        (row,) = connection.execute(query.encode(), values).fetchall()
        return int(str(row[0]))


def a_job(
    postgres_url: str, redis_url: str, storage_url: str, spark: "SparkSession | None" = None
) -> Job:
    """A job on the tests' own servers and Spark."""
    settings = Settings(
        environment="development",
        postgres_url=postgres_url,
        redis_url=redis_url,
        storage_url=storage_url,
        entity_secret=bytes(range(32)),
        card_key=bytes(range(32)),
        label_maturity=timedelta(days=7),
    )

    def source(app_name: str) -> Any:
        assert spark is not None, f"{app_name} was not expected to start Spark"
        return nullcontext(spark)

    return Job(settings=settings, spark=source, say=lambda _: None)
