"""What is new in PostgreSQL, by transaction: found once each, and without reading what is old."""

import itertools
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from features_pkg.queries import with_literals
from jobs.watermark import wait_for_watermark
from stores.postgres.connection import Connection, connect, quote
from stores.postgres.recorded_key import recorded_key
from tests.integration.history import NOON, History

DAY = timedelta(days=1)
TEMPLATES = ("extract_orders", "extract_chargebacks", "extract_evaluations")


class Reader:
    """Reads what is new, again and again."""

    def __init__(self, url: str) -> None:
        self.history = History(url)
        self.connection: Connection = self.history.connect()
        self.from_key: int | None = None

    def watermark(self, generation: int = 1) -> int:
        return recorded_key(generation, wait_for_watermark(self.connection, say=lambda _: None))

    def new(self, to_key: int | None = None) -> list[tuple[Any, ...]]:
        """Each new row as (what it is, its order, its key), since this was called last."""
        to_key = self.watermark() if to_key is None else to_key
        rows = self.rows(self.from_key, to_key)
        self.from_key = to_key
        return rows

    def rows(self, from_key: int | None, to_key: int) -> list[tuple[Any, ...]]:
        names = dict(self.select("SELECT order_pk, order_id FROM orders"))
        bounds = {"to_key": to_key} | ({} if from_key is None else {"from_key": from_key})
        found = []
        for row in self.dicts("extract_orders", bounds):
            found.append(("order", row["order_id"], row["recorded_key"]))
            if row["evaluated_us"] is not None:
                found.append(("evaluation", row["order_id"], row["evaluation_key"]))
        found += [
            (row["kind"], names[row["order_pk"]], row["recorded_key"])
            for row in self.dicts("extract_chargebacks", bounds)
        ]
        late = [] if from_key is None else self.dicts("extract_evaluations", bounds)
        found += [("evaluation", names[row["order_pk"]], row["evaluation_key"]) for row in late]
        return sorted(found)

    def dicts(self, template: str, bounds: dict[str, int]) -> Iterator[dict[str, Any]]:
        cursor = self.connection.execute(with_literals(template, bounds, quote).encode())
        names = [column.name for column in cursor.description or ()]
        return (dict(zip(names, row, strict=True)) for row in cursor.fetchall())

    def select(self, query: str) -> list[Any]:
        return self.connection.execute(query.encode()).fetchall()


@pytest.fixture
def reader(database_url: str) -> Iterator[Reader]:
    found = Reader(database_url)
    with found.connection:
        yield found


def whats(rows: list[tuple[Any, ...]]) -> list[tuple[str, str]]:
    return [(what, order) for what, order, _ in rows]


def test_a_row_is_found_once(reader: Reader) -> None:
    reader.history.order(order_id="a")
    assert whats(reader.new()) == [("order", "a")]

    reader.history.order(order_id="b")
    assert whats(reader.new()) == [("order", "b")]
    assert reader.new() == []


def an_order(reader: Reader, connection: Connection, order_id: str) -> None:
    connection.execute(
        "INSERT INTO orders"
        " (merchant_id, order_id, event_at, content_hash, amount_cents, import_id)"
        " VALUES (%s, %s, %s, decode(repeat('00', 32), 'hex'), 1, %s)",
        (reader.history.merchant_id, order_id, NOON, reader.history.import_id),
    )


def test_a_transaction_open_across_a_watermark_is_found_by_the_next(reader: Reader) -> None:
    with connect(reader.history.url, application_name="slow") as slow:
        watermark = reader.watermark()
        an_order(reader, slow, "slow")
        reader.history.order(order_id="quick")
        assert reader.new(watermark) == []
        slow.commit()

    assert whats(reader.new()) == [("order", "quick"), ("order", "slow")]


def test_what_was_stored_in_a_savepoint_is_of_its_transaction(reader: Reader) -> None:
    with connect(reader.history.url, application_name="slow") as slow:
        slow.execute("SELECT pg_current_xact_id()")
        reader.history.order(order_id="meanwhile")
        with slow.transaction():
            an_order(reader, slow, "in a savepoint")
        slow.commit()
    (first, second) = reader.new()

    assert (first[1], second[1]) == ("in a savepoint", "meanwhile")
    assert first[2] < second[2]


def test_rows_of_an_older_generation_are_found_by_whoever_reads_all(reader: Reader) -> None:
    reader.history.order(order_id="before the restore")
    reader.new()
    reader.connection.execute("INSERT INTO generations VALUES (2, 1, 1)")
    reader.history.order(order_id="after the restore")
    watermark = reader.watermark(generation=2)

    assert whats(reader.rows(recorded_key(2, 0), watermark)) == [("order", "after the restore")]
    assert whats(reader.rows(None, watermark)) == [
        ("order", "after the restore"),
        ("order", "before the restore"),
    ]


def test_a_chargeback_comes_with_the_later_of_itself_and_its_order(reader: Reader) -> None:
    reader.history.order(order_id="old")
    reader.history.chargeback("waits", NOON + DAY)
    reader.history.chargeback("never comes", NOON + DAY)
    assert whats(reader.new()) == [("order", "old")]

    reader.history.chargeback("old", NOON + 2 * DAY)
    reader.history.order(order_id="waits")
    reader.history.order(order_id="new")
    reader.history.chargeback("new", NOON + DAY)
    reader.history.chargeback("new", NOON + 2 * DAY, kind="reversal")
    assert whats(reader.new()) == [
        ("chargeback", "new"),
        ("chargeback", "old"),
        ("chargeback", "waits"),
        ("order", "new"),
        ("order", "waits"),
        ("reversal", "new"),
    ]
    assert reader.new() == []


def test_the_time_of_a_chargeback_is_the_later_of_both(reader: Reader) -> None:
    reader.history.chargeback("late", NOON - DAY)
    reader.history.order(NOON, order_id="late")
    (row,) = reader.dicts("extract_chargebacks", {"to_key": reader.watermark()})
    (event,) = reader.select(
        "SELECT (extract(epoch FROM event_at) * 1000000)::bigint, recorded_key"
        " FROM chargeback_events"
    )

    assert (row["event_us"], row["recorded_key"]) == event


def test_an_evaluation_comes_with_its_order_or_after_it(reader: Reader) -> None:
    reader.history.order(order_id="imported")
    live = reader.history.live_order(NOON, order_id="live")
    reader.history.evaluation(live, NOON)
    assert whats(reader.new()) == [("evaluation", "live"), ("order", "imported"), ("order", "live")]

    reader.history.evaluation("imported", NOON + DAY)
    assert whats(reader.new()) == [("evaluation", "imported")]
    assert reader.new() == []


def test_an_evaluation_of_an_older_transaction_than_its_order_is_not_lost(reader: Reader) -> None:
    """Its transaction had an id before the import that stored the order began."""
    with connect(reader.history.url, application_name="slow", autocommit=True) as slow:
        slow.execute("BEGIN")
        slow.execute("SELECT pg_current_xact_id()")
        between = connect(reader.history.url, application_name="between")
        between.execute("SELECT pg_current_xact_id()")
        reader.history.order(order_id="imported")
        slow.execute(
            "INSERT INTO evaluations (evaluation_id, merchant_id, order_pk, order_id, content_hash,"
            " decision, evaluated_at) SELECT gen_random_uuid(), merchant_id, order_pk, order_id,"
            " content_hash, 'allow', event_at FROM orders"
        )
        slow.execute("COMMIT")
    (row,) = reader.select("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
    first = reader.new(recorded_key(1, row[0]))
    between.close()

    assert first == []
    assert whats(reader.new()) == [("evaluation", "imported"), ("order", "imported")]


def test_lists_come_as_texts_and_without_an_evaluation_all_of_it_is_null(reader: Reader) -> None:
    reader.history.order(order_id="imported", product=["p", "q"])
    live = reader.history.live_order(NOON, order_id="live")
    reader.history.evaluation(live, NOON, missing=["distant", "recent"], visible="7:9:7,8")
    imported, evaluated = sorted(
        reader.dicts("extract_orders", {"to_key": reader.watermark()}),
        key=lambda row: str(row["order_id"]),
    )
    keys = [0, *(recorded_key(1, xid) for xid in (7, 9, 7, 8))]

    assert imported["product"] == "p\x1fq"
    names = ("evaluated_us", "evaluation_key", "load_as_of", "missing", "visible")
    assert [imported[name] for name in names] == [None] * 5
    assert evaluated["product"] == ""
    assert evaluated["missing"] == "distant\x1frecent"
    assert evaluated["visible"] == "\x1f".join(map(str, keys))


@pytest.fixture
def many(reader: Reader) -> Reader:
    """Twenty thousand orders, each with an evaluation, and two thousand chargebacks."""
    reader.connection.execute(
        "INSERT INTO orders"
        " (merchant_id, order_id, event_at, content_hash, amount_cents, import_id)"
        " SELECT %s, 'n' || n, %s, decode(repeat('00', 32), 'hex'), 1, %s"
        " FROM generate_series(1, 20000) AS n",
        (reader.history.merchant_id, NOON, reader.history.import_id),
    )
    reader.connection.execute(
        "INSERT INTO evaluations (evaluation_id, merchant_id, order_pk, order_id, content_hash,"
        " decision, evaluated_at) SELECT gen_random_uuid(), merchant_id, order_pk, order_id,"
        " content_hash, 'allow', event_at FROM orders"
    )
    reader.connection.execute(
        "INSERT INTO chargebacks (merchant_id, order_id, event_at, reported_at, import_id)"
        " SELECT merchant_id, order_id, event_at, event_at, import_id FROM orders LIMIT 2000"
    )
    reader.connection.execute("SELECT ontem_summarize_recorded()")
    return reader


def pages_read(plan: dict[str, Any]) -> int:
    return int(plan["Shared Hit Blocks"]) + int(plan["Shared Read Blocks"])


@pytest.mark.parametrize("template", TEMPLATES)
def test_where_nothing_is_new_next_to_nothing_is_read(many: Reader, template: str) -> None:
    watermark = many.watermark()
    many.connection.execute("SET enable_seqscan = off")
    bounds = {"from_key": watermark, "to_key": many.watermark()}
    query = with_literals(template, bounds, quote)

    ((plan,),) = many.select(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {query}")
    tables = ("orders", "evaluations", "chargebacks")
    pages = sum(many.select(f"SELECT pg_relation_size('{t}') / 8192")[0][0] for t in tables)

    plan = plan if isinstance(plan, list) else json.loads(plan)
    assert pages > 500
    assert pages_read(plan[0]["Plan"]) <= pages * 0.05


def test_pages_that_nobody_described_are_read_and_their_rows_found(many: Reader) -> None:
    many.connection.execute("SET enable_seqscan = off")
    many.new()
    for number in range(3):
        many.history.order(order_id=f"late {number}")

    assert whats(many.new()) == [("order", f"late {number}") for number in range(3)]


def test_several_extractions_find_what_one_finds(reader: Reader) -> None:
    """All ways in which an order, its chargeback and its evaluation can follow one another."""
    steps = {
        "order": lambda name: reader.history.order(order_id=name),
        "chargeback": lambda name: reader.history.chargeback(name, NOON + DAY),
        "evaluation": lambda name: reader.history.evaluation(name, NOON),
    }
    found: list[tuple[Any, ...]] = []
    for number, sequence in enumerate(itertools.permutations(steps)):
        if sequence.index("evaluation") < sequence.index("order"):
            continue
        for stops in itertools.product((False, True), repeat=3):
            for step, stop in zip(sequence, stops, strict=True):
                steps[step](f"{number} {stops}")
                found += reader.new() if stop else []
    found += reader.new()

    assert len(found) == 3 * 3 * 8
    assert sorted(found) == reader.rows(None, reader.watermark())
