"""A merchant with a hot CEP: live orders, imports and open transactions, and recounts of them."""

from __future__ import annotations

import hashlib
import itertools
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any

from features_pkg.calendar import DAY_US, from_us
from features_pkg.engines import reference
from features_pkg.engines.one_order import Evaluator
from features_pkg.history.past_orders import PastOrder
from features_pkg.identifiers import IDENTIFIERS
from features_pkg.orders.order import Order
from service import recent
from service.database import Database
from service.deadline import Deadline
from service.hot.building import Builder, recent_targets
from service.hot.keeper import HotEntities, HotLimits
from service.hot.reading import HotReader
from service.recent import RecentRead
from stores.postgres.connection import Connection, connect
from stores.postgres.merchants import add_merchant
from stores.urls import with_login
from tests.parity import rows
from tests.parity.rows import CALENDAR, FEATURES
from tests.pooler import pooler_is_asked_for, through_pooler
from tests.servers import service_login

EVALUATOR = Evaluator(FEATURES)
HOT_CEP, HOT_PRODUCT = "01310100", "p1"
LIMITS = HotLimits(most_rows=60)
BRIEFLY = timedelta(milliseconds=10)
"""How long a statement waits for an open transaction before it is given up."""
SECOND_US = 1_000_000
numbers = itertools.count(1)


def now_us() -> int:
    return time.time_ns() // 1_000


@dataclass
class HotShop:
    """One merchant of a database, and a process of the service that holds his hot entities."""

    url: str
    service_url: str
    connection: Connection
    merchant_id: int
    random: Random
    generation: int = 1
    open: list[Connection] = field(default_factory=list)  # each has a transaction
    order_ids: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.start()

    def start(self, limits: HotLimits = LIMITS) -> None:
        """Begin anew, as a process does that holds nothing."""
        self.database = Database(self.service_url, statement_timeout=timedelta(minutes=1))
        builds = Database(self.service_url, statement_timeout=timedelta(minutes=1), connections=1)
        self.builder = Builder(builds, recent_targets(FEATURES.velocities), patience=0.01)
        self.hot = HotEntities(self.builder, limits)
        self.reader = HotReader(self.hot)

    def stop(self) -> None:
        self.hot.close()
        self.database.close()

    def values(self) -> dict[str, Any]:
        """What an order names: nearly always the hot CEP, else few values."""
        draw = self.random.choice
        return {
            "zip_code": HOT_CEP if self.random.random() < 0.9 else "z2",
            "document": draw(["d1", "d2", "d3", "d4", None]),
            "phone": draw(["f1", "f2", "f3"]),
            "card": draw([None, "c1", "c2", "a card whose token has more than thirty bytes"]),
            "seller": draw(["s1", "s2", "s3", "s4"]),
            "product": draw([[HOT_PRODUCT, "p2"], ["p3"], ["p4", "p5"], [], []]),
        }

    def order(self, connection: Connection, ago_us: int, import_id: int | None = None) -> None:
        """Store an order that counts from so long ago, unless the late rule moves it."""
        self.order_ids.append(f"o{next(numbers)}")
        self.insert(connection, self.order_ids[-1], ago_us, import_id)

    def insert(
        self, connection: Connection, order_id: str, ago_us: int, import_id: int | None = None,
        **columns: Any,
    ) -> None:  # fmt: skip
        values = self.values() | columns | {
            "merchant_id": self.merchant_id, "order_id": order_id,
            "event_at": from_us(now_us() - ago_us), "amount_cents": self.random.randrange(10**6),
            "content_hash": hashlib.sha256(order_id.encode()).digest(), "import_id": import_id,
        }  # fmt: skip
        names = ", ".join(values)
        marks = ", ".join(f"%({name})s" for name in values)
        connection.execute(
            f"WITH stored AS (INSERT INTO orders ({names}) VALUES ({marks}) RETURNING *)"
            " INSERT INTO order_products (merchant_id, product, event_at, order_pk)"
            " SELECT merchant_id, unnest(product), event_at, order_pk FROM stored".encode(),
            values,
        )

    def chargeback(self, connection: Connection, ago_us: int, import_id: int | None = None) -> None:
        """Report one of an order, or of one that is stored later."""
        known = self.random.random() < 0.8 and self.order_ids
        order_id = self.random.choice(self.order_ids) if known else f"o{next(numbers)}"
        at = from_us(now_us() - ago_us)
        connection.execute(
            "INSERT INTO chargebacks (merchant_id, order_id, event_at, reported_at, import_id)"
            " VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            (self.merchant_id, order_id, at, at, import_id),
        )
        if not known and not import_id:
            self.order_ids.append(order_id)
            self.insert(connection, order_id, 0)

    def an_import(self, connection: Connection, orders: int = 2) -> None:
        """Import orders and chargebacks of the last day."""
        row = connection.execute(
            "INSERT INTO imports (merchant_id, kind, source, sha256)"
            " VALUES (%s, 'orders', '', %s) RETURNING import_id",
            (self.merchant_id, bytes(32)),
        ).fetchone()
        assert row is not None
        import_id = int(str(row[0]))
        for _ in range(orders):
            self.order(connection, self.random.randrange(26 * 3_600_000_000), import_id)
        self.chargeback(connection, self.random.randrange(3_600_000_000), import_id)

    def begin(self) -> Connection:
        """A connection with a transaction that stays open."""
        connection = connect(self.url, application_name="tests", lock_timeout=BRIEFLY)
        connection.execute("SELECT pg_current_xact_id()")
        self.open.append(connection)
        return connection

    def end_one(self) -> None:
        connection = self.open.pop(self.random.randrange(len(self.open)))
        if self.random.random() < 0.8:
            connection.commit()
        connection.close()

    def restore(self) -> None:
        """Go on as after a restore: rows of before have transactions that are yet to come."""
        for connection in self.open:
            connection.rollback()
            connection.close()
        self.open.clear()
        for ago_us in (0, 3 * SECOND_US, 60 * SECOND_US):
            order_id = f"restored {self.generation} {ago_us}"
            self.insert(self.connection, order_id, ago_us, recorded_xid="999999999")
        self.connection.execute(
            "INSERT INTO generations (generation, system_identifier, timeline_id)"
            " SELECT generation + 1, system_identifier, timeline_id FROM generations"
            " ORDER BY generation DESC LIMIT 1"
        )
        self.generation += 1
        self.hot.settle(30)  # so that no session is taken
        for database in (self.database, self.builder.database):
            database._pool.renew()  # the sessions of before ended with their server

    def question(self) -> Order:
        values = self.values()
        values["product"] = tuple(values["product"])
        return Order(order_id=f"q{next(numbers)}", amount_cents=1, items=(), **values)

    def read(
        self, order: Order, at_us: int, *, slowly: bool = False, from_us: int | None = None
    ) -> RecentRead:
        ask = recent.ask if slowly else self.reader.ask
        from_us = window_start(at_us) if from_us is None else from_us
        with self.database.session() as session:
            return ask(
                session, self.merchant_id, order, from_us=from_us, to_us=at_us,
                deadline=Deadline.within(timedelta(minutes=1)),
            )()  # fmt: skip

    def history(self, visible: str) -> list[PastOrder]:
        """All orders with their first chargebacks, as far as a snapshot shows them."""
        seen = "(generation < %(generation)s OR pg_visible_in_snapshot(recorded_xid, %(visible)s))"
        names = ", ".join(f'"{name}"' for name in IDENTIFIERS)
        found = self.connection.execute(
            f"SELECT order_id, (extract(epoch FROM event_at) * 1000000)::bigint, amount_cents,"
            f" (SELECT (extract(epoch FROM min(event_at)) * 1000000)::bigint FROM chargebacks c"
            f"  WHERE c.merchant_id = o.merchant_id AND c.order_id = o.order_id AND {seen}),"
            f" {names} FROM orders o WHERE merchant_id = %(merchant)s AND {seen}".encode(),
            {"merchant": self.merchant_id, "visible": visible, "generation": self.generation},
        ).fetchall()
        return [
            PastOrder(
                "m1", str(number), int(str(at_us)), int(str(cents)),
                {i: tuple(v) if i.several else () if v is None else (v,)  # type: ignore[arg-type]
                 for i, v in zip(IDENTIFIERS, values, strict=True)},
                None if charged_us is None else int(str(charged_us)),
            )
            for number, (_, at_us, cents, charged_us, *values) in enumerate(found)
        ]  # fmt: skip

    def assert_exact(self, order: Order, at_us: int, read: RecentRead) -> None:
        """A vector by this read is that of a recount of what its snapshot shows."""
        history = self.history(read.visible)
        asker = PastOrder("m1", "asks", at_us, 1, identifiers_of(order))
        as_of = CALENDAR.due_day(at_us, FEATURES.snapshot_lag)
        past = rows.distant_past(asker, rows.snapshot(history, as_of), as_of)
        found = EVALUATOR.vector(order, at_us, past, read.events, read.held).values
        question = reference.Question(at_us, as_of)
        for velocity, value in zip(FEATURES.velocities, found, strict=False):
            right = reference.value(velocity, asker, question, history, CALENDAR)
            assert (None if value != value else value) == right, velocity.name
        slow = self.read(order, at_us, slowly=True)
        whole = EVALUATOR.vector(order, at_us, past, slow.events).values
        assert struct.pack(f"<{len(found)}d", *found) == struct.pack(f"<{len(whole)}d", *whole)


@contextmanager
def a_hot_shop(database_url: str) -> Iterator[HotShop]:
    """A merchant without orders."""
    login = service_login(database_url)
    through = through_pooler(database_url, login) if pooler_is_asked_for() else database_url
    service_url = with_login(through, login)
    with connect(
        database_url, application_name="tests", autocommit=True, lock_timeout=BRIEFLY
    ) as connection:
        merchant_id = add_merchant(connection, "loja").merchant_id
        draw = Random(1)  # noqa: S311
        shop = HotShop(database_url, service_url, connection, merchant_id, draw)
        yield shop
        for each in shop.open:
            each.close()
        shop.stop()


def window_start(at_us: int) -> int:
    """From when a request reads."""
    return min(at_us - DAY_US, CALENDAR.cutoff_us(CALENDAR.due_day(at_us, FEATURES.snapshot_lag)))


def identifiers_of(order: Order) -> dict[Any, tuple[str, ...]]:
    values = {identifier: getattr(order, identifier) for identifier in IDENTIFIERS}
    return {i: tuple(v) if i.several else () if v is None else (v,) for i, v in values.items()}
