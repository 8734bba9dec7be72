"""The features of orders as a request would read them now; nothing is ever stored."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

import numpy as np
import psycopg
import pyarrow as pa

from features_pkg.array_types import Floats
from features_pkg.calendar import from_us, to_us
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.orders.order import Order
from features_pkg.shuffle import assembled_schema
from ontem.feature_store.errors import LoadMissing, OnlineUnreadable
from ontem.feature_store.tables import PANDAS, POLARS, as_kind
from service.database import Database
from service.deadline import Deadline
from service.online import OnlineStore
from service.past import PastReader, PastReads
from service.served_model import ServedFeatures
from service.session import ServiceConnection
from stores.postgres.clock import database_clock
from stores.postgres.connection import connect, postgres_address
from stores.redis.connection import connect_redis, redis_address
from stores.redis.keys import Namespace
from stores.settings import Settings

READ_LIMIT: Final = timedelta(seconds=10)
"""How long the stores may take for one order. A request gives up much sooner."""
NO_LOAD: Final = ("distant: no load", "distant: no list")
OWN_ORDER: Final = "distant: has the order itself"
"""The order was imported, so the load counts it: as to a request, the distant past is missing."""
ROW_COLUMNS: Final = pa.schema(
    [
        ("order_id", pa.string()),
        ("asked_at", pa.timestamp("us", "UTC")),
        ("snapshot_as_of", pa.date32()),
        ("load_id", pa.int64()),
        ("missing", pa.list_(pa.string())),
    ]
)
"""What stands before the features, named as in training sets."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The vector of one order, what could not be read, and the load that was."""

    values: list[float]
    missing: tuple[str, ...]
    as_of: date | None
    load_id: int | None


@dataclass(frozen=True, slots=True, repr=False)
class OnlineFeatures:
    """The features of orders as of one instant: `table` has a row for each, in their order.

    `missing` says per row what could not be read; what is computed from it is null.
    """

    table: pa.Table
    features: tuple[str, ...]

    def matrix(self) -> Floats:
        """The features as a model reads them: float64, NaN for null, a row per order."""
        columns = [self.table[name].cast(pa.float64()) for name in self.features]
        filled = [column.to_numpy(zero_copy_only=False) for column in columns]
        return np.column_stack(filled) if filled else np.zeros((self.table.num_rows, 0))

    def to_pandas(self) -> Any:
        """The table as a pandas data frame."""
        return as_kind(self.table, PANDAS)

    def to_polars(self) -> Any:
        """The table as a Polars data frame."""
        return as_kind(self.table, POLARS)

    def __repr__(self) -> str:
        return (
            f"{self.table.num_rows} orders, {len(self.features)} features each; `table`, "
            "`to_pandas()`, `to_polars()` or `matrix()` has them"
        )

    def _repr_html_(self) -> str:
        shown: str = self.to_pandas()._repr_html_()
        return shown


class OnlineFeatureReader:
    """Reads the features of orders with what the service reads them with.

    Its sessions of PostgreSQL are read-only. It belongs to one thread, and ends with `close`.
    """

    def __init__(self, settings: Settings, features: FeatureSet) -> None:
        self._settings = settings
        self._served = ServedFeatures.of_set(
            features,
            entity_secret=settings.entity_secret,
            max_stale_days=settings.max_stale_days,
        )
        self.database = Database(
            settings.service_postgres_url,
            statement_timeout=READ_LIMIT,
            connections=1,
            prepare=_read_only,
        )
        namespace = Namespace.of(self._served.keys)
        self._online = OnlineStore(settings.redis_url, namespace, connections=1)
        self._past_reader = PastReader(self._served, self._online)

    def now_us(self) -> int:
        """What the database takes for now. Raises PostgresUnavailable, OnlineUnreadable."""
        deadline = Deadline.within(READ_LIMIT)
        with self.database.session() as session:
            try:
                return session.call(lambda connection: to_us(database_clock(connection)), deadline)
            except psycopg.Error as cause:
                reason = type(cause).__name__
                raise OnlineUnreadable(store=self._postgresql, reason=reason) from None

    def answer(self, merchant_id: int, order: Order, at_us: int) -> Answered:
        """The vector of an order that is asked at this instant.

        Raises LoadMissing, RedisUnavailable, PostgresUnavailable, OnlineUnreadable.
        """
        deadline = Deadline.within(READ_LIMIT)
        with (
            self.database.session() as session,
            self._past_reader.question(session, merchant_id, order, at_us, deadline) as answers,
        ):
            past = answers.both()
        self._refuse_failures(past, at_us)
        vector = self._served.evaluator.vector(order, at_us, past.timelines, past.events, past.held)
        load = None if past.distant is None else past.distant.load
        return Answered(
            vector.values,
            vector.missing,
            None if load is None else date.fromordinal(load.as_of),
            None if load is None else load.load_id,
        )

    def close(self) -> None:
        """End all sessions."""
        self._online.close()
        self.database.close()

    def _refuse_failures(self, past: PastReads, at_us: int) -> None:
        settings = self._settings
        for failure in past.failures:
            if failure == OWN_ORDER:
                continue
            if failure in NO_LOAD:
                raise self._no_load(at_us)
            if past.recent is None and failure.startswith("recent"):
                _reached(lambda: connect(settings.service_postgres_url, application_name="sdk"))
                store = self._postgresql
            else:
                _reached(lambda: connect_redis(settings.redis_url))
                store = f"Redis at {redis_address(settings.redis_url)}"
            raise OnlineUnreadable(store=store, reason=failure.partition(": ")[2])

    @property
    def _postgresql(self) -> str:
        return f"PostgreSQL at {postgres_address(self._settings.postgres_url)}"

    def _no_load(self, at_us: int) -> LoadMissing:
        return LoadMissing(
            due=date.fromordinal(self._served.due_day(at_us)),
            max_stale_days=self._served.max_stale_days,
            timelines=self._served.feature_set.timelines_id,
            listed=f"Redis at {redis_address(self._settings.redis_url)}",
        )


def table_of(
    features: FeatureSet,
    chosen: Sequence[str],
    order_ids: Sequence[str | None],
    answers: Sequence[Answered],
    at_us: int,
) -> OnlineFeatures:
    """The answers as a table of these features, with the types that training sets have."""
    rows = [
        list(order_ids),
        [from_us(at_us)] * len(answers),
        [each.as_of for each in answers],
        [each.load_id for each in answers],
        [list(each.missing) for each in answers],
    ]
    schema = assembled_schema(features, pa.schema([]))
    position = {name: number for number, name in enumerate(features.names)}
    columns = [pa.array(row, field.type) for row, field in zip(rows, ROW_COLUMNS, strict=True)]
    for name in chosen:
        values = np.array([each.values[position[name]] for each in answers], dtype=np.float64)
        null = np.isnan(values)
        column = pa.array(np.where(null, 0.0, values), mask=null)
        columns.append(column.cast(schema.field(name).type))
    table = pa.table(columns, names=[*ROW_COLUMNS.names, *chosen])
    return OnlineFeatures(table, tuple(chosen))


def _read_only(connection: ServiceConnection) -> None:
    connection.execute("SET default_transaction_read_only = on")


def _reached(connecting: Callable[[], Any]) -> None:
    """Connect once more: a store that is away says so in its own sentence."""
    connecting().close()
