"""How an import ends: its exit code, its summary, and whose orders they become."""

from collections.abc import Callable

import pytest
from click.testing import Result

from stores.postgres.connection import Connection, connect
from stores.postgres.merchants import Merchant, add_merchant
from tests.integration.imports import GOOD, HEADER, SHOP, a_file, rows

ALL_REFUSED = HEADER + "b,2018-06-01 12:00:00,1990,ana@example.com,,,\n"
ONE_REFUSED = ALL_REFUSED + GOOD


@pytest.mark.parametrize(
    ("text", "options", "exit_code", "orders"),
    [
        (ONE_REFUSED, [], 0, 1),
        (ONE_REFUSED, ["--max-refused", "1"], 0, 1),
        (ONE_REFUSED, ["--max-refused", "0"], 8, 0),
        (ALL_REFUSED, [], 8, 0),
        (ALL_REFUSED, ["--max-refused", "1"], 8, 0),
        (HEADER, [], 0, 0),
        (HEADER, ["--max-refused", "0"], 0, 0),
    ],
)
def test_too_many_refused_rows_have_an_exit_code_of_their_own_and_store_nothing(
    ontem: Callable[..., Result],
    database_url: str,
    text: str,
    options: list[str],
    exit_code: int,
    orders: int,
) -> None:
    result = ontem("import", a_file(text), *SHOP, *options)

    assert result.exit_code == exit_code, result.output
    assert rows(database_url, "SELECT count(*) FROM orders") == [(orders,)]
    made = exit_code == 0
    assert rows(database_url, "SELECT count(*) FROM merchants") == [(int(made),)]
    assert ("shop is a new merchant" in result.output) is made
    if not made:
        assert "the refused rows are in orders.csv.rejects.csv" in result.output
        assert "so nothing is stored" in result.stderr
        assert ("raise --max-refused" in result.stderr) is (text is ONE_REFUSED)


def test_an_order_with_other_content_counts_as_refused_for_the_limit(
    ontem: Callable[..., Result], database_url: str
) -> None:
    ontem("import", a_file(HEADER + GOOD), *SHOP)
    other = HEADER + GOOD.replace("1990", "5") + GOOD.replace("a,", "b,")

    result = ontem("import", a_file(other), "--merchant", "shop", "--max-refused", "0")

    assert result.exit_code == 8
    assert rows(database_url, "SELECT order_id FROM orders") == [("a",)]


def test_an_unknown_merchant_is_refused_unless_it_is_to_be_created(
    ontem: Callable[..., Result], database_url: str
) -> None:
    result = ontem("import", a_file(HEADER + GOOD), "--merchant", "shpo")

    assert result.exit_code == 1
    assert "there is no merchant 'shpo'" in result.stderr
    assert rows(database_url, "SELECT count(*) FROM merchants") == [(0,)]


def test_a_name_that_no_merchant_can_have_is_refused_before_the_file_is_read(
    ontem: Callable[..., Result],
) -> None:
    result = ontem("import", a_file("nothing"), "--merchant", "", "--create-merchant")

    assert result.exit_code == 1
    assert "a merchant can't be called ''" in result.stderr


def test_a_merchant_that_another_import_creates_meanwhile_is_used(
    ontem: Callable[..., Result], database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def after_the_other_import(connection: Connection, name: str) -> Merchant:
        with connect(database_url, application_name="another import") as other:
            add_merchant(other, name)
        return add_merchant(connection, name)

    monkeypatch.setattr("jobs.importing.commands.add_merchant", after_the_other_import)

    result = ontem("import", a_file(HEADER + GOOD), *SHOP)

    assert result.exit_code == 0, result.output
    assert "1 orders and 0 chargebacks new" in result.output
    assert "is a new merchant" not in result.output


def test_a_merchant_that_exists_is_not_called_new(ontem: Callable[..., Result]) -> None:
    first, second = (ontem("import", a_file(HEADER + GOOD), *SHOP) for _ in range(2))

    assert "is a new merchant" in first.output
    assert "is a new merchant" not in second.output


def test_the_summary_says_how_many_chargebacks_wait_for_their_order(
    ontem: Callable[..., Result],
) -> None:
    ontem("import", a_file(HEADER + GOOD), *SHOP)
    chargebacks = a_file(
        "order_id,chargeback_at\na,2018-07-01T00:00:00Z\n"
        "b,2018-07-01T00:00:00Z\nc,2018-07-01T00:00:00Z\n"
    )

    first, second = (
        ontem("import", chargebacks, "--merchant", "shop", "--kind", "chargebacks")
        for _ in range(2)
    )

    assert "3 chargebacks new" in first.output
    assert "2 chargebacks wait for their order" in first.output
    assert "0 chargebacks new" in second.output
    assert "2 chargebacks wait for their order" in second.output
