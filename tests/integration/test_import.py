"""What an import promises: all that may be loaded, once, or nothing."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features_pkg.orders.normalising import normalise_order
from features_pkg.orders.order import Item, content_hash
from jobs.importing import FileMapping, ImportOptions, ImportRefused, ImportResult, Refusal
from jobs.importing import import_chargebacks as load_chargebacks
from jobs.importing import import_orders as load_orders
from ontem.generating import generate
from stores.postgres.chargebacks import record_chargeback
from stores.postgres.connection import Connection, connect

NOON = datetime(2018, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


class Recorder:
    """A listener that remembers the refused rows."""

    def __init__(self) -> None:
        self.refusals: list[Refusal] = []

    def on_progress(self, rows: int, total: int | None) -> None: ...

    def on_store(self, rows: int) -> None: ...

    def on_refusal(self, refusal: Refusal) -> None:
        self.refusals.append(refusal)

    @property
    def rows(self) -> list[tuple[int, str | None, str, str]]:
        return [(row.row, row.order_id, row.field, row.reason) for row in self.refusals]


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    with connect(database_url, application_name="test") as opened:
        opened.execute("INSERT INTO merchants (name) VALUES ('one'), ('two')")
        opened.commit()
        yield opened


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def load(connection: Connection, recorder: Recorder) -> Callable[..., ImportResult]:
    def run(source: Any, mapping: FileMapping | None = None, merchant_id: int = 1) -> ImportResult:
        options = ImportOptions(listener=recorder, processes=1)
        return load_orders(connection, source, merchant_id, mapping, options)

    return run


def an_order(order_id: str = "o1", **columns: Any) -> dict[str, Any]:
    return {"order_id": order_id, "event_at": NOON, "amount_cents": 1990, **columns}


def orders(*rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(rows))


def stored(connection: Connection, columns: str, table: str = "orders") -> list[Any]:
    return connection.execute(f"SELECT {columns} FROM {table} ORDER BY 1").fetchall()


def test_a_row_becomes_a_canonical_order(connection: Connection, load: Any) -> None:
    row = an_order(
        document="529.982.247-25", email="Ana@GMAIL.com", zip_code="01310-100", card="unknown",
        phone="(11) 98765-4321", product=["a", " a ", "b"], ip="::ffff:192.0.2.1",
    )  # fmt: skip

    load(orders(row))

    assert stored(
        connection,
        "order_id, event_at, placed_at, evaluated_at, amount_cents, document, email, zip_code,"
        " card, phone, product, ip, import_id",
    ) == [
        ("o1", NOON, None, None, 1990, "52998224725", "ana@gmail.com", "01310100",
         None, "+5511987654321", ["a", "b"], "192.0.2.1", 1)
    ]  # fmt: skip
    assert stored(connection, "product, order_pk, event_at", "order_products") == [
        ("a", 1, NOON),
        ("b", 1, NOON),
    ]


def test_an_import_and_the_service_agree_on_what_is_the_same_order(
    connection: Connection, load: Any
) -> None:
    item = {"product": 'a\\"{},', "quantity": 2, "amount_cents": 1990}
    load(orders(an_order(user='u "1"\\', product=["á,é"], items=[item])))

    order = normalise_order("o1", 1990, {"user": 'u "1"\\', "product": ["á,é"]}, None, ())
    found = connection.execute("SELECT content_hash, product, items FROM orders").fetchone()

    assert found is not None
    assert found[1:] == (["á,é", 'a\\"{},'], [item])
    assert found[0] != content_hash(order)
    line = Item(item["product"], 2, 1990)
    whole = normalise_order("o1", 1990, {"user": 'u "1"\\', "product": "á,é"}, None, [line])
    assert found[0] == content_hash(whole)


def test_importing_a_file_again_changes_nothing(connection: Connection, load: Any) -> None:
    rows = [an_order("o1", chargeback_at=NOON + DAY), an_order("o2", chargeback_at=None)]
    first = load(orders(*rows))
    before = stored(connection, "*"), stored(connection, "*", "chargebacks")

    again = load(orders(*rows))

    assert (first.orders_new, first.chargebacks_new, first.orders_known) == (2, 1, 0)
    assert (again.orders_new, again.orders_known) == (0, 2)
    assert (again.chargebacks_new, again.chargebacks_known) == (0, 1)
    assert again.earliest_day is None
    assert (stored(connection, "*"), stored(connection, "*", "chargebacks")) == before


@pytest.mark.parametrize(
    "change",
    [{"amount_cents": 1991}, {"event_at": NOON + DAY}, {"user": "u2"}, {"product": ["z"]}],
)
def test_an_order_that_is_stored_with_other_content_is_refused_and_kept_as_it_was(
    connection: Connection, load: Any, recorder: Recorder, change: dict[str, Any]
) -> None:
    load(orders(an_order(user="u1", product=["a"])))
    before = stored(connection, "*")

    done = load(orders({**an_order(user="u1", product=["a"]), **change}))

    assert recorder.rows == [(1, "o1", "order_id", "is already stored with other content")]
    assert (done.orders_new, done.rows_refused) == (0, 1)
    assert stored(connection, "*") == before


def test_the_same_content_at_another_instant_is_another_content(load: Any) -> None:
    load(orders(an_order(placed_at=NOON)))

    assert load(orders(an_order(placed_at=NOON, event_at=NOON + DAY))).rows_refused == 1


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

    assert stored(connection, "*", "chargebacks") == []


def test_the_same_order_id_at_another_merchant_is_another_order(load: Any) -> None:
    load(orders(an_order()))

    assert load(orders(an_order(amount_cents=5)), merchant_id=2).orders_new == 1


@pytest.mark.parametrize(
    ("wrong", "field", "reason"),
    [
        ({"order_id": None}, "order_id", "is missing"),
        ({"order_id": "a\x00b"}, "order_id", "has control characters"),
        ({"order_id": "x" * 129}, "order_id", "has more than 128 characters"),
        ({"event_at": None}, "event_at", "is missing"),
        ({"event_at": datetime(2199, 1, 1, tzinfo=UTC)}, "event_at", "is in the future"),
        (
            {"event_at": datetime(1900, 1, 1, tzinfo=UTC)},
            "event_at",
            "is before 1970 or after 2199",
        ),
        (
            {"amount_cents": None},
            "amount_cents",
            "is missing or is not a number; write it like 19.90",
        ),
        ({"amount_cents": -1}, "amount_cents", "is negative"),
        ({"amount_cents": 10**15}, "amount_cents", "is more than 999999999999999 cents"),
        ({"chargeback_at": NOON - DAY}, "chargeback_at", "is before its order"),
        ({"user": "u" * 513}, "user", "has more than 512 characters"),
    ],
)
def test_a_wrong_row_is_refused_with_its_field_and_the_rest_is_loaded(
    load: Any, recorder: Recorder, wrong: dict[str, Any], field: str, reason: str
) -> None:
    nothing = {"chargeback_at": None, "user": None}
    rows = [an_order("good", **nothing), {**an_order("bad", **nothing), **wrong}]

    done = load(orders(*rows))

    assert (done.orders_new, done.rows_refused) == (1, 1)
    assert [(row.row, row.field, row.reason) for row in recorder.refusals] == [(2, field, reason)]


@pytest.mark.parametrize("amount", [float("nan"), float("inf"), 19.999, -0.01])
def test_an_amount_that_is_not_a_whole_number_of_cents_is_refused(load: Any, amount: float) -> None:
    done = load(orders(an_order(amount_cents=amount)), FileMapping(amount_unit="currency"))

    assert done.rows_refused == 1


@pytest.mark.parametrize(
    ("amount", "cents"),
    [(17.34, 1734), (0.29, 29), (167772.17, 16777217), (1e9 + 0.01, 100000000001)],
)
def test_an_amount_in_currency_is_exact_to_the_cent(
    connection: Connection, load: Any, amount: float, cents: int
) -> None:
    load(orders(an_order(amount_cents=amount)), FileMapping(amount_unit="currency"))

    assert stored(connection, "amount_cents") == [(cents,)]


SAO_PAULO = FileMapping(timezone="America/Sao_Paulo")


@pytest.mark.parametrize(
    ("local", "instant"),
    [
        ("2018-11-03 23:59:59.999999", "2018-11-04T02:59:59.999999+00:00"),
        ("2018-11-04 01:00:00", "2018-11-04T03:00:00+00:00"),
        ("2019-02-16 22:59:59", "2019-02-17T00:59:59+00:00"),
        ("2019-02-16 23:30:00", "2019-02-17T01:30:00+00:00"),
        ("2019-02-17 00:00:00", "2019-02-17T03:00:00+00:00"),
    ],
)
@pytest.mark.parametrize("as_text", [True, False])
def test_a_local_time_is_its_zone_s_and_the_earlier_one_of_two(
    connection: Connection, load: Any, local: str, instant: str, *, as_text: bool
) -> None:
    event_at = local if as_text else datetime.fromisoformat(local)

    load(orders(an_order(event_at=event_at)), SAO_PAULO)

    assert stored(connection, "event_at") == [(datetime.fromisoformat(instant),)]


@pytest.mark.parametrize("local", ["2018-11-04 00:00:00", "2018-11-04 00:59:59.999999"])
def test_a_local_time_that_never_occurred_is_refused(
    load: Any, recorder: Recorder, local: str
) -> None:
    load(orders(an_order(event_at=datetime.fromisoformat(local)), an_order("o2")), SAO_PAULO)

    assert [row.row for row in recorder.refusals][:1] == [1]
    assert "never occurred in America/Sao_Paulo" in recorder.refusals[0].reason


def test_a_naive_time_without_a_zone_in_the_mapping_is_refused(
    load: Any, recorder: Recorder
) -> None:
    assert load(orders(an_order(event_at=NOON.replace(tzinfo=None)))).orders_new == 0
    assert "has no time zone" in recorder.refusals[0].reason


def test_a_file_with_missing_columns_is_refused_before_anything_is_loaded(
    connection: Connection, load: Any
) -> None:
    table = orders(an_order()).drop_columns(["event_at"])

    with pytest.raises(
        ImportRefused, match=r"no column event_at, mail .for email.; it has order_id"
    ):
        load(table, FileMapping(columns={"email": "mail"}))

    assert stored(connection, "*", "imports") == []


def test_a_column_that_holds_no_times_is_refused(connection: Connection, load: Any) -> None:
    with pytest.raises(ImportRefused, match="event_at: int64 does not hold times"):
        load(orders(an_order(event_at=20180601)))

    assert stored(connection, "*") == stored(connection, "*", "imports") == []


def test_an_import_that_fails_in_the_middle_leaves_nothing(
    connection: Connection, recorder: Recorder
) -> None:
    class Failing(Recorder):
        def on_store(self, rows: int) -> None:
            raise RuntimeError

    with pytest.raises(RuntimeError):
        load_orders(connection, orders(an_order()), 1, None, ImportOptions(listener=Failing()))

    assert stored(connection, "*") == stored(connection, "*", "imports") == []


def test_an_import_says_what_it_was_and_the_first_day_it_touched(
    connection: Connection, load: Any, tmp_path: Path
) -> None:
    before_midnight = datetime(2018, 6, 1, 2, 59, 59, 999999, tzinfo=UTC)
    path = tmp_path / "june.parquet"
    pq.write_table(orders(an_order(event_at=before_midnight)), path)

    done = load(path)

    assert done.earliest_day == date(2018, 5, 31)
    assert stored(
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
    assert stored(connection, "event_at", "charged_back_orders") == [(NOON + DAY,)]


def test_a_file_of_chargebacks_refuses_those_before_their_order_and_keeps_those_that_wait(
    connection: Connection, recorder: Recorder, load: Any
) -> None:
    load(orders(an_order("o1"), an_order("o2")))
    chargebacks_file = pa.Table.from_pylist(
        [
            {"order_id": "o1", "chargeback_at": NOON, "kind": "chargeback"},
            {"order_id": "o2", "chargeback_at": NOON - DAY, "kind": "chargeback"},
            {"order_id": "unknown", "chargeback_at": NOON, "kind": "reversal"},
            {"order_id": "o1", "chargeback_at": NOON, "kind": "fraud"},
        ]
    )

    first = load_chargebacks(
        connection, chargebacks_file, 1, None, ImportOptions(listener=recorder)
    )
    again = load_chargebacks(connection, chargebacks_file, 1, None, ImportOptions())

    assert (first.chargebacks_new, first.rows_refused) == (2, 2)
    assert [(row.row, row.field) for row in recorder.refusals] == [
        (4, "kind"),
        (2, "chargeback_at"),
    ]
    assert (again.chargebacks_new, again.chargebacks_known, again.rows_refused) == (0, 2, 2)


def test_a_large_file_is_read_by_several_processes_and_indexed_afterwards(
    connection: Connection, tmp_path: Path
) -> None:
    path = tmp_path / "many.parquet"
    table = generate(70_000, 30, seed=1, end=datetime(2026, 5, 1, tzinfo=UTC))
    pq.write_table(table, path)
    before = stored(connection, "indexdef", "pg_indexes WHERE tablename = 'orders'")

    done = load_orders(connection, path, 1)

    assert done.orders_new == 70_000
    assert done.chargebacks_new == 70_000 - table["chargeback_at"].null_count
    assert stored(connection, "indexdef", "pg_indexes WHERE tablename = 'orders'") == before
    first = connection.execute("SELECT order_id FROM orders ORDER BY order_pk LIMIT 1").fetchone()
    assert first == ("g1-00000000",)


def _clock(connection: Connection) -> datetime:
    row = connection.execute("SELECT ontem_clock()").fetchone()
    assert row is not None
    return row[0]
