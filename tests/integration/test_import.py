"""What an import promises: every correct row is read_rows once, or nothing at all."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features_pkg.orders.fields.order import read_order
from features_pkg.orders.order import content_hash
from jobs.importing import ImportOptions
from jobs.importing import import_chargebacks as load_chargebacks
from jobs.importing import import_orders as load_orders
from ontem.generating import generate
from stores.postgres.chargebacks import record_chargeback
from stores.postgres.connection import Connection
from tests.integration.imports import DAY, NOON, Recorder, an_order, orders, read_rows


def test_a_row_becomes_a_canonical_order(connection: Connection, load: Any) -> None:
    row = an_order(
        document="529.982.247-25", email="Ana@GMAIL.com", zip_code="01310-100", card="unknown",
        phone="(11) 98765-4321", product=["a", " a ", "b"], ip="::ffff:192.0.2.1",
        seller=" loja 1 ",
    )  # fmt: skip

    load(orders(row))

    assert read_rows(
        connection,
        "order_id, event_at, placed_at, evaluated_at, amount_cents, document, email, zip_code,"
        " card, seller, phone, product, ip, import_id",
    ) == [
        ("o1", NOON, None, None, 1990, "52998224725", "ana@gmail.com", "01310100",
         None, "loja 1", "+5511987654321", ["a", "b"], "192.0.2.1", 1)
    ]  # fmt: skip
    assert read_rows(connection, "product, order_pk, event_at", "order_products") == [
        ("a", 1, NOON),
        ("b", 1, NOON),
    ]


def test_an_import_and_the_service_agree_on_what_is_the_same_order(
    connection: Connection, load: Any
) -> None:
    item = {"product": 'a\\"{},', "quantity": 2, "amount_cents": 1990}
    load(orders(an_order(user='u "1"\\', product=["á,é"], items=[item])))

    order = read_order("o1", 1990, {"user": 'u "1"\\'}, products=["á,é"])
    found = connection.execute("SELECT content_hash, product, items FROM orders").fetchone()

    assert found is not None
    assert found[1:] == (["á,é", 'a\\"{},'], [item])
    assert found[0] != content_hash(order)
    whole = read_order("o1", 1990, {"user": 'u "1"\\'}, products=["á,é"], items=[item])
    assert found[0] == content_hash(whole)


def test_importing_a_file_again_changes_nothing(connection: Connection, load: Any) -> None:
    rows = [an_order("o1", chargeback_at=NOON + DAY), an_order("o2", chargeback_at=None)]
    first = load(orders(*rows))
    before = read_rows(connection, "*"), read_rows(connection, "*", "chargebacks")

    again = load(orders(*rows))

    assert (first.orders_new, first.chargebacks_new, first.orders_known) == (2, 1, 0)
    assert (again.orders_new, again.orders_known) == (0, 2)
    assert (again.chargebacks_new, again.chargebacks_known) == (0, 1)
    assert again.earliest_day is None
    assert (read_rows(connection, "*"), read_rows(connection, "*", "chargebacks")) == before


@pytest.mark.parametrize(
    "change",
    [
        {"amount_cents": 1991},
        {"placed_at": NOON},
        {"user": "u2"},
        {"seller": "s2"},
        {"product": ["z"]},
    ],
)
def test_an_order_that_is_stored_with_other_content_is_refused_and_kept_as_it_was(
    connection: Connection, load: Any, recorder: Recorder, change: dict[str, Any]
) -> None:
    load(orders(an_order(user="u1", product=["a"])))
    before = read_rows(connection, "*")

    done = load(orders({**an_order(user="u1", product=["a"]), **change}))

    assert recorder.rows == [(1, "o1", "order_id", "is already stored with other content")]
    assert (done.orders_new, done.rows_refused) == (0, 1)
    assert read_rows(connection, "*") == before


def test_a_repeated_row_is_counted_once_and_a_contradicting_one_refused(
    load: Any, recorder: Recorder
) -> None:
    rows = [an_order(), an_order(), an_order(amount_cents=5), an_order("o2")]

    done = load(orders(*rows))

    assert (done.orders_new, done.orders_known, done.rows_refused) == (2, 1, 1)
    assert recorder.rows == [(3, "o1", "order_id", "is already stored with other content")]


def test_the_chargeback_of_a_refused_order_is_not_loaded(connection: Connection, load: Any) -> None:
    load(orders(an_order()))

    load(orders(an_order(amount_cents=5, chargeback_at=NOON + DAY)))

    assert read_rows(connection, "*", "chargebacks") == []


def test_the_same_order_id_at_another_merchant_is_another_order(load: Any) -> None:
    load(orders(an_order()))

    assert load(orders(an_order(amount_cents=5)), merchant_id=2).orders_new == 1


def test_an_import_that_fails_in_the_middle_leaves_nothing(
    connection: Connection, recorder: Recorder
) -> None:
    class Failing(Recorder):
        def on_store(self, rows: int) -> None:
            raise RuntimeError

    with pytest.raises(RuntimeError):
        load_orders(connection, orders(an_order()), 1, None, ImportOptions(listener=Failing()))

    assert read_rows(connection, "*") == read_rows(connection, "*", "imports") == []


def test_an_import_says_what_it_was_and_the_first_day_it_touched(
    connection: Connection, load: Any, tmp_path: Path
) -> None:
    before_midnight = datetime(2018, 6, 1, 2, 59, 59, 999999, tzinfo=UTC)
    path = tmp_path / "june.parquet"
    pq.write_table(orders(an_order(event_at=before_midnight)), path)

    done = load(path)

    assert done.earliest_day == date(2018, 5, 31)
    assert read_rows(
        connection, "source, octet_length(sha256), earliest_day, rows_read, orders_new", "imports"
    ) == [("june.parquet", 32, date(2018, 5, 31), 1, 1)]


def test_an_earlier_chargeback_from_a_file_moves_the_event(
    connection: Connection, recorder: Recorder, load: Any
) -> None:
    load(orders(an_order()))
    record_chargeback(connection, 1, "o1", _clock(connection))
    chargebacks_file = pa.Table.from_pylist([{"order_id": "o1", "chargeback_at": NOON + DAY}])

    done = load_chargebacks(connection, chargebacks_file, 1, None, ImportOptions(listener=recorder))

    assert (done.chargebacks_new, done.earliest_day) == (1, date(2018, 6, 2))
    assert read_rows(connection, "min(event_at)", "chargeback_events") == [(NOON + DAY,)]


def test_a_file_of_chargebacks_refuses_those_before_their_order_and_keeps_those_that_wait(
    connection: Connection, recorder: Recorder, load: Any
) -> None:
    load(orders(an_order("o1"), an_order("o2")))
    chargebacks_file = pa.Table.from_pylist(
        [
            {"order_id": "o1", "chargeback_at": NOON, "kind": ""},
            {"order_id": "o2", "chargeback_at": NOON - DAY, "kind": "chargeback"},
            {"order_id": "unknown", "chargeback_at": NOON, "kind": "reversal"},
            {"order_id": "o1", "chargeback_at": NOON, "kind": "fraud"},
        ]
    )

    first = load_chargebacks(
        connection, chargebacks_file, 1, None, ImportOptions(listener=recorder)
    )
    again = load_chargebacks(connection, chargebacks_file, 1, None, ImportOptions())

    assert (first.chargebacks_new, first.chargebacks_waiting, first.rows_refused) == (2, 1, 2)
    assert [(row.row, row.field) for row in recorder.refusals] == [
        (4, "kind"),
        (2, "chargeback_at"),
    ]
    assert (again.chargebacks_new, again.chargebacks_known, again.rows_refused) == (0, 2, 2)


def test_a_chargeback_whose_order_id_was_a_float_meets_its_order(
    connection: Connection, recorder: Recorder, load: Any
) -> None:
    load(orders(an_order("2000003508419013"), an_order("7.0"), an_order("7")))
    ids = ["2000003508419013.0", "7.0", "8.0", "x.0"]
    file = pa.table({"order_id": ids, "chargeback_at": [NOON + DAY] * 4})
    early = pa.table({"order_id": ["7.0", "2000003508419013.0"], "chargeback_at": [NOON - DAY] * 2})

    done = load_chargebacks(connection, file, 1)
    again = load_chargebacks(connection, file, 1)
    refused = load_chargebacks(connection, early, 1, None, ImportOptions(listener=recorder))

    assert (done.chargebacks_new, done.ids_trimmed) == (4, 1)
    assert (again.chargebacks_new, again.chargebacks_known, again.ids_trimmed) == (0, 4, 1)
    assert [row[:2] for row in recorder.rows] == [(1, "7.0"), (2, "2000003508419013")]
    assert refused.rows_refused == 2
    assert read_rows(connection, "order_id", "chargebacks") == [
        ("2000003508419013",), ("7.0",), ("8.0",), ("x.0",),
    ]  # fmt: skip


def test_an_order_id_of_odd_characters_is_charged_back_by_file(
    connection: Connection, load: Any
) -> None:
    ids = ["a\tb", 'x\r\nSET "y" 1\r\n', "\\.", " ", "'; DROP TABLE orders; --"]
    load(orders(*(an_order(order_id) for order_id in ids)))
    file = pa.table({"order_id": ids, "chargeback_at": [NOON + DAY] * len(ids)})

    load_chargebacks(connection, file, 1)

    found = read_rows(connection, "order_id", "chargeback_events")
    assert sorted(order_id for (order_id,) in found) == sorted(ids)


def test_a_large_file_is_read_by_several_processes_and_indexed_afterwards(
    connection: Connection, tmp_path: Path
) -> None:
    path = tmp_path / "many.parquet"
    table = generate(70_000, 30, seed=1, end=datetime(2026, 5, 1, tzinfo=UTC))
    pq.write_table(table, path)
    before = read_rows(connection, "indexdef", "pg_indexes WHERE tablename = 'orders'")

    done = load_orders(connection, path, 1)

    assert done.orders_new == 70_000
    assert done.chargebacks_new == 70_000 - table["chargeback_at"].null_count
    assert read_rows(connection, "indexdef", "pg_indexes WHERE tablename = 'orders'") == before
    first = connection.execute("SELECT order_id FROM orders ORDER BY order_pk LIMIT 1").fetchone()
    assert first == ("g1-00000000",)


def _clock(connection: Connection) -> datetime:
    row = connection.execute("SELECT ontem_clock()").fetchone()
    assert row is not None
    return row[0]
