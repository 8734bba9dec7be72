"""`ontem import`: files as people have them, and what it says."""

import csv
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from stores.postgres.connection import connect
from tests.integration.imports import ENVIRON, GOOD, HEADER, SHOP, a_file, rows

PROJECT = Path(__file__).resolve().parents[2]
DATA = PROJECT.parent / "shared" / "data"
INDEXES = "SELECT indexdef FROM pg_indexes WHERE tablename = 'orders' ORDER BY indexname"


def test_a_csv_file_with_our_names_needs_no_mapping(
    ontem: Callable[..., Result], database_url: str
) -> None:
    result = ontem("import", a_file(HEADER + GOOD), *SHOP)

    assert result.exit_code == 0, result.output
    assert "shop is a new merchant" in result.output
    assert "1 rows read; 1 orders and 0 chargebacks new; 0 and 0 already stored; 0 refused" in (
        result.output
    )
    found = rows(database_url, "SELECT o.order_id, m.name, product FROM orders o, merchants m")
    assert found == [("a", "shop", ["x", "y"])]


def test_refused_rows_go_to_a_file_without_personal_data(ontem: Callable[..., Result]) -> None:
    text = (
        HEADER
        + GOOD
        + "b,2018-06-01 12:00:00,1990,ana@example.com,,,\n"
        + "c,2018-06-01T12:00:00Z,1990\n"
        + "d,2018-06-01T12:00:00Z,1 real 99,ana@example.com,,,\n"
        + "e,2018-06-01T12:00:00Z,1990,ana@example.com,,{,\n"
        + "f,2018-06-01T12:00:00Z,1990,u,,,2018-05-01T12:00:00Z\n"
    )

    result = ontem(
        "import",
        a_file(text),
        *SHOP,
        "--rejects",
        "refused.csv",
    )

    assert result.exit_code == 0, result.output
    assert "5 refused (see refused.csv)" in result.output
    rejects = Path("refused.csv").read_text()
    assert "ana@example.com" not in rejects
    assert [
        (row["row"], row["order_id"], row["field"]) for row in csv.DictReader(rejects.split("\n"))
    ] == [
        ("2", "b", "event_at"),
        ("4", "d", "amount_cents"),
        ("5", "e", "items"),
        ("6", "f", "chargeback_at"),
        ("3", "", ""),
    ]


def test_no_file_of_refused_rows_is_left_where_none_was(ontem: Callable[..., Result]) -> None:
    a_file("row,order_id,field,reason\n1,old,,\n", "orders.csv.rejects.csv")

    ontem("import", a_file(HEADER + GOOD), *SHOP)

    assert not Path("orders.csv.rejects.csv").exists()


def test_a_mapping_says_names_zone_unit_and_delimiter(
    ontem: Callable[..., Result], database_url: str
) -> None:
    a_file(
        'timezone = "America/Sao_Paulo"\namount_unit = "currency"\ndelimiter = ";"\n'
        '[columns]\norder_id = "pedido"\nevent_at = "data"\namount_cents = "valor"\n',
        "m.toml",
    )
    text = '\ufeffpedido;data;valor\n7;"01/06/2018\n10:00";19.90\n8;2018-06-01 10:00:00;5\n'

    result = ontem("import", a_file(text), *SHOP, "--mapping", "m.toml")

    assert "1 orders" in result.output
    assert "1 refused" in result.output
    found = rows(database_url, "SELECT order_id, event_at::text, amount_cents FROM orders")
    assert found == [("8", "2018-06-01 13:00:00+00", 500)]


@pytest.mark.parametrize(
    ("mapping", "sentence"),
    [
        ("zone = 'UTC'", "'zone' is not one of timezone, amount_unit, decimal_mark,"),
        ("timezone = 'Sao Paulo'", "is not an IANA name"),
        ("decimal_mark = ';'", "decimal_mark ';' is not one of ',', '.'"),
        ("thousands_mark = '.'", "thousands_mark needs a decimal_mark"),
        ("decimal_mark = '.'\nthousands_mark = '.'", "that is another character"),
        ("delimiter = '\"'", "is a quote or line end"),
        ("amount_unit = 'reais'", "neither 'cents' nor 'currency'"),
        ("columns = 3", "columns must be a table of lines"),
        ("[columns]\ncpf = 'cpf'", "orders have no field 'cpf'; their fields are order_id"),
        ("[columns]\nuser = 'cliente'", "no column cliente (for user); it has order_id, event_at"),
        ("[[", "mapping m.toml"),
    ],
)
def test_a_wrong_mapping_is_refused_in_one_sentence(
    ontem: Callable[..., Result], mapping: str, sentence: str
) -> None:
    a_file(mapping, "m.toml")

    result = ontem(
        "import",
        a_file(HEADER + GOOD),
        *SHOP,
        "--mapping",
        "m.toml",
    )

    assert result.exit_code == 1
    assert sentence in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("text", "encoding", "sentence"),
    [
        ("", "utf-8", "no column order_id, event_at, amount_cents; it has none"),
        (
            "pedido,valor\n1,2\n",
            "utf-8",
            "no column order_id, event_at, amount_cents; it has pedido",
        ),
        (HEADER + GOOD.replace("u1", "João"), "latin-1", "can't be read"),
        ("PAR1 but no Parquet", "utf-8", "can't be read"),
    ],
)
def test_an_unusable_file_is_refused_and_makes_no_merchant(
    ontem: Callable[..., Result], database_url: str, text: str, encoding: str, sentence: str
) -> None:
    result = ontem("import", a_file(text, encoding=encoding), *SHOP)

    assert result.exit_code == 1
    assert sentence in result.output
    assert rows(database_url, "SELECT * FROM merchants") == []


def test_a_file_of_chargebacks(ontem: Callable[..., Result], database_url: str) -> None:
    ontem("import", a_file(HEADER + GOOD), *SHOP)
    chargebacks = a_file("order_id,chargeback_at\na,2018-07-01T00:00:00-03:00\n", "cb.csv")

    result = ontem("import", chargebacks, *SHOP, "--kind", "chargebacks")

    assert result.exit_code == 0, result.output
    found = rows(database_url, "SELECT order_id, event_at::text FROM chargeback_events")
    assert found == [("a", "2018-07-01 03:00:00+00")]


def test_the_summary_says_which_order_ids_met_their_order_without_a_fraction(
    ontem: Callable[..., Result],
) -> None:
    ontem("import", a_file(HEADER + GOOD.replace("a,", "7,", 1)), *SHOP)
    chargebacks = a_file("order_id,chargeback_at\n7.0,2018-07-01T00:00:00Z\n", "cb.csv")

    result = ontem("import", chargebacks, "--merchant", "shop", "--kind", "chargebacks")

    assert "1 order ids met their order without their `.0`" in result.output


def test_an_import_that_is_killed_leaves_nothing(
    ontem: Callable[..., Result], database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ontem("generate", "--orders=70000", "--days=9", "--seed=2", "--output=g.parquet")
    monkeypatch.setenv("ONTEM_POSTGRES_URL", database_url)
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    with connect(database_url, application_name="test") as connection:
        indexes = connection.execute(INDEXES).fetchall()
    command = [
        sys.executable,
        "-m",
        "ontem",
        "import",
        "g.parquet",
        *SHOP,
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path.cwd()) as importing:
        assert importing.stdout is not None
        storing = next(line for line in importing.stdout if line.startswith("storing"))
        importing.kill()

    assert storing == "storing 70,000 rows\n"
    with connect(database_url, application_name="test") as connection:
        connection.execute("LOCK TABLE orders IN SHARE MODE")  # waits for whoever still writes
        assert connection.execute("SELECT count(*) FROM orders").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM imports").fetchone() == (0,)
        assert connection.execute(INDEXES).fetchall() == indexes


def test_generated_orders_are_imported_whole(
    ontem: Callable[..., Result], database_url: str
) -> None:
    for name in ("g.csv", "g.parquet"):
        ontem("generate", "--orders=300", "--days=90", "--seed=2", "--end=2026-05-01T12:00:00Z",
              f"--output={name}")  # fmt: skip

    first = ontem("import", "g.csv", *SHOP)
    second = ontem("import", "g.parquet", *SHOP)

    assert "300 orders" in first.output, first.output
    assert "0 orders and 0 chargebacks new; 300 and" in second.output


@pytest.mark.parametrize(
    ("name", "orders", "chargebacks"),
    [("olist", 8_135, 0), ("sparkov", 172_468, 5_663), ("aws_afd", 1_611, 95)],
)
def test_real_orders_are_imported_whole_by_their_mapping(
    ontem: Callable[..., Result], name: str, orders: int, chargebacks: int
) -> None:
    file = DATA / f"{name}_orders.parquet"
    if not file.exists():
        pytest.skip(f"{file.name} is not on this machine")

    result = ontem(
        "import", str(file), "--merchant", name, "--create-merchant",
        "--mapping", str(PROJECT / "docs" / "mappings" / f"{name}.toml"),
    )  # fmt: skip

    assert (
        f"{orders:,} orders and {chargebacks:,} chargebacks new; 0 and 0 already stored; 0 refused"
        in (result.output)
    )
