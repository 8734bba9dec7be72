"""Orders of a CEP with 100,000 orders and 1,000 chargebacks in a day, beside ordinary orders."""

import itertools
import json
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any, Final, LiteralString

import numpy as np

from benchmarks.load import Clients, Target, clients
from benchmarks.server import SERVE, process
from benchmarks.size import ORDERS, repetitions
from benchmarks.streams import bodies_of, wait_until_normal
from benchmarks.warm_stack import PROJECT, WarmStack, warm_stack
from features_pkg.calendar import Calendar
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.definitions.velocity import Measure, Past, Velocity
from features_pkg.identifiers import Event
from service.hot.entity import Snapshot
from stores.postgres.connection import Connection, connect
from stores.settings import Settings

CEP: Final = "01310-100"
ITS: Final = {"orders": min(100_000, ORDERS), "chargebacks": min(1_000, ORDERS)}
PAIRS: Final = 1_000
KEEP_COMING: Final = 10.0
"""Orders of the CEP each second beside those that are measured."""

TRUE_CLOCK: Final = """
    CREATE OR REPLACE FUNCTION ontem_clock() RETURNS timestamptz
    LANGUAGE sql VOLATILE PARALLEL SAFE AS $$ SELECT clock_timestamp() $$
"""
CROWD: Final[tuple[LiteralString, ...]] = (
    "SET LOCAL ontem.importing = 'on'",
    """
    INSERT INTO imports (merchant_id, kind, source, sha256)
    SELECT merchant_id, 'orders', 'crowd', sha256('crowd') FROM merchants WHERE name = 'bench'
    """,
    """
    INSERT INTO orders (merchant_id, order_id, event_at, import_id, content_hash, amount_cents,
                        zip_code, document, phone, card)
    SELECT merchant_id, 'crowd-' || n, now() - n * interval '1 day' / %(orders)s,
           (SELECT max(import_id) FROM imports), sha256(n::text::bytea), n %% 9973, '01310100',
           lpad((n %% 61001)::text, 11, '1'), '+55119' || lpad((n %% 40009)::text, 8, '0'),
           'tok_' || n %% 30011
    FROM generate_series(1, %(orders)s) n, merchants WHERE name = 'bench'
    """,
    "SET LOCAL ontem.importing = 'off'",
    """
    INSERT INTO chargebacks (merchant_id, order_id, event_at, reported_at, import_id)
    SELECT merchant_id, 'crowd-' || n * (%(orders)s / %(chargebacks)s), at, at,
           (SELECT max(import_id) FROM imports)
    FROM merchants, generate_series(1, %(chargebacks)s) n,
         LATERAL (SELECT now() - n * interval '1 day' / %(chargebacks)s AS at)
    WHERE name = 'bench'
    """,
)


def measure() -> list[str]:
    """Both kinds of orders in turns, from one client; then all answers are counted again."""
    stack = warm_stack()
    settings = Settings.from_environ(stack.environ)
    pairs = repetitions(PAIRS)
    with connect(settings.postgres_url, application_name="bench", autocommit=True) as session:
        with session.transaction():
            for statement in CROWD:
                session.execute(statement, ITS if "%(" in statement else None)
        session.execute("VACUUM ANALYZE")
        with _as_production(session):
            sent, took = _send(stack, pairs)
        recount = Recount.of(session, FeatureSet(settings.timezone, settings.snapshot_lag))
        differences = sum(recount.differs(session, order_id) for order_id in sent)
    return _page(took[::2], took[1::2], differences)


@contextmanager
def _as_production(session: Connection) -> Iterator[None]:
    """Where a clock can be set, as in the development that stacks are for, nothing is held."""
    session.execute(TRUE_CLOCK)
    session.execute("UPDATE stack SET environment = 'production'")
    try:
        yield
    finally:
        session.execute("UPDATE stack SET environment = 'development'")
        session.execute((PROJECT / "sql" / "development_clock.sql").read_bytes())


def _send(stack: WarmStack, pairs: int) -> tuple[list[str], list[float]]:
    """The ids of the orders of the CEP, and the milliseconds of both kinds in turns."""
    hot = _hot(bodies_of(stack))
    with (
        process(stack, SERVE, ONTEM_ENVIRONMENT="production") as port,
        clients(1) as client,
        clients(1) as others,
    ):
        target = Target(port, stack.key)
        wait_until_normal(target, stack)
        client.closed_loop(target, list(itertools.islice(hot, 400)))
        return _in_turns(client, others, target, stack, hot, pairs)


def _hot(bodies: Iterator[bytes]) -> Iterator[bytes]:
    """The orders, all of which go to the CEP."""
    for number, body in enumerate(bodies):
        order = json.loads(body)
        order |= {"order_id": f"hot-{order['order_id']}-{number}", "zip_code": CEP}
        yield json.dumps(order).encode()


def _in_turns(
    client: Clients,
    others: Clients,
    target: Target,
    stack: WarmStack,
    hot: Iterator[bytes],
    pairs: int,
) -> tuple[list[str], list[float]]:
    """Milliseconds are those of an ordinary order, of one of the CEP, and so on."""
    ours = list(itertools.islice(hot, pairs))
    turns = [body for pair in zip(bodies_of(stack), ours, strict=False) for body in pair]
    coming = list(itertools.islice(hot, max(pairs // 50, 1)))
    more = threading.Thread(target=others.open_loop, args=(target, coming, KEEP_COMING))
    more.start()
    took = client.closed_loop(target, turns).milliseconds
    more.join()
    return [json.loads(body)["order_id"] for body in ours], took


SOURCES: Final[dict[Event, LiteralString]] = {
    Event.ORDER: """
        SELECT order_id, recorded_xid::text::bigint,
               (extract(epoch FROM event_at) * 1000000)::bigint, amount_cents, document, phone
        FROM orders WHERE zip_code = '01310100'
    """,
    Event.CHARGEBACK: """
        SELECT order_id, recorded_xid::text::bigint,
               (extract(epoch FROM event_at) * 1000000)::bigint, amount_cents, document, phone
        FROM chargeback_events WHERE zip_code = '01310100'
    """,
}


@dataclass(frozen=True)
class Recount:
    """All orders and chargebacks of the CEP, to count what a snapshot shows of them."""

    features: FeatureSet
    events: dict[Event, dict[str, Any]]

    @classmethod
    def of(cls, session: Connection, features: FeatureSet) -> "Recount":
        """All that are stored."""
        events = {}
        for event, source in SOURCES.items():
            rows = session.execute(source).fetchall()
            names = ("order_id", "xid", "at_us", "cents", "document", "phone")
            columns = map(np.array, zip(*rows, strict=True))
            events[event] = dict(zip(names, columns, strict=True))
        return cls(features, events)

    def differs(self, session: Connection, order_id: str) -> bool:
        """Whether a stored evaluation has other numbers of the CEP, or lacks them."""
        ((vector, visible, at_us, as_of),) = session.execute(
            "SELECT vector, visible::text, (extract(epoch FROM evaluated_at) * 1000000)::bigint,"
            " as_of FROM evaluations WHERE order_id = %s",
            [order_id],
        ).fetchall()
        values = struct.unpack(f"<{len(vector) // 8}d", vector)  # type: ignore[arg-type]
        snapshot = Snapshot.of(str(visible))
        cutoff_us = Calendar(self.features.timezone).cutoff_us(as_of.toordinal())  # type: ignore[attr-defined]
        return any(
            value != self._count(velocity, snapshot, order_id, int(str(at_us)), cutoff_us)
            for velocity, value in zip(self.features.velocities, values, strict=False)
            if velocity.identifier == "zip_code" and velocity.past is Past.RECENT
        )

    def _count(
        self, velocity: Velocity, snapshot: Snapshot, order_id: str, at_us: int, cutoff_us: int
    ) -> int:
        events = self.events[velocity.event]
        span_us = velocity.window.span_us if velocity.window else None
        start_us = cutoff_us if span_us is None else at_us - span_us
        xid = events["xid"]
        shown = (xid < snapshot.first_new) & ~np.isin(xid, list(snapshot.open))
        shown &= (events["at_us"] >= start_us) & (events["at_us"] < at_us)
        shown &= events["order_id"] != order_id
        if velocity.measure is Measure.DISTINCT:
            values = events[str(velocity.target)][shown]
            return len(set(values.tolist()) - {None})
        if velocity.measure is Measure.AMOUNT:
            return int(events["cents"][shown].sum())
        return int(shown.sum())


def _page(ordinary: Sequence[float], hot: Sequence[float], differences: int) -> list[str]:
    told = (
        f"A CEP with {ITS['orders']:,} orders and {ITS['chargebacks']:,} chargebacks in a day. "
        f"{len(hot):,} orders of it and as many ordinary ones were sent in turns by one client, "
        f"while {KEEP_COMING:g} more of it came each second."
    )
    lines = [
        "## A hot CEP",
        told,
        "",
        "| `POST /evaluate`, ms | p50 | p90 | p99 |",
        "|---|---|---|---|",
    ]
    for name, took in (("ordinary order", ordinary), ("order of the CEP", hot)):
        p50, p90, p99 = (float(np.percentile(took, percent)) for percent in (50, 90, 99))
        lines.append(f"| {name} | {p50:.2f} | {p90:.2f} | {p99:.2f} |")
    ratio = median(hot) / median(ordinary)
    outcome = (
        f"At the median {ratio:.2f} times as long. {differences} of the {len(hot):,} answers "
        "differ from a recount of what their snapshot shows."
    )
    return [*lines, "", outcome]
