"""No card's number is stored by an import: every byte of the database is searched for it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from tests.integration.imports import SHOP, a_file, rows

SENT = ("4111 1111 1111 1111", "4111111111111111", "5555-5555-5555-4444", "5555555555554444")
HEADER = "order_id,event_at,amount_cents,card,user\n"
ROWS = (
    "a,2018-06-01T12:00:00Z,1990,4111 1111 1111 1111,u1\n"
    "b,2018-06-01T13:00:00Z,1990,4111111111111111,u2\n"
    "c,2018-06-01T14:00:00Z,1990,5555-5555-5555-4444,6011111111111117\n"
    "d,2018-06-01T15:00:00Z,-1,4111111111111111,u3\n"
    "e,2018-06-01T16:00:00Z,1990,tok_1,u3\n"
)


def test_an_import_replaces_card_numbers_and_says_so(
    ontem: Callable[..., Result], database_url: str
) -> None:
    result = ontem("import", a_file(HEADER + ROWS), *SHOP)

    assert result.exit_code == 0, result.output
    assert "3 card numbers replaced by fingerprints" in result.output
    assert "values that look like card numbers stay in other fields: user 1" in result.output
    cards = rows(database_url, "SELECT order_id, card FROM orders ORDER BY order_id")
    assert [order_id for order_id, _ in cards] == ["a", "b", "c", "e"]
    assert cards[0][1] == cards[1][1] != cards[2][1]
    assert cards[0][1].startswith("card_fp_")
    assert cards[3][1] == "tok_1"
    rejects = Path("orders.csv.rejects.csv").read_text()
    for text in SENT:
        assert text not in result.output + rejects


def test_another_card_key_is_refused_until_it_is_declared_to_be_new(
    ontem: Callable[..., Result], database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ontem("migrate").exit_code == 0
    assert ontem("import", a_file(HEADER + ROWS), *SHOP).exit_code == 0
    monkeypatch.setenv("ONTEM_CARD_KEY", "0f" * 32)

    for command in (("import", a_file(HEADER + ROWS), *SHOP), ("migrate",)):
        refused = ontem(*command)
        assert refused.exit_code == 3, refused.output
        assert "under another ONTEM_CARD_KEY" in refused.output
        assert "`ontem migrate --new-card-key`" in refused.output
        assert "0f0f0f" not in refused.output
    assert ontem("migrate", "--new-card-key").exit_code == 0
    assert ontem("migrate").exit_code == 0
    again = ontem("import", a_file(HEADER + ROWS), *SHOP)
    assert "1 and 0 already stored; 4 refused" in again.output


def test_a_database_without_orders_takes_another_card_key(
    ontem: Callable[..., Result], database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ontem("migrate").exit_code == 0
    monkeypatch.setenv("ONTEM_CARD_KEY", "0f" * 32)

    assert ontem("import", a_file(HEADER + ROWS), *SHOP).exit_code == 3
    assert ontem("migrate").exit_code == 0
    assert ontem("import", a_file(HEADER + ROWS), *SHOP).exit_code == 0


def test_no_row_of_any_table_has_a_number_that_was_sent(
    ontem: Callable[..., Result], database_url: str
) -> None:
    ontem("import", a_file(HEADER + ROWS), *SHOP)
    names = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"

    stored = "\n".join(
        str(row)
        for (table,) in rows(database_url, names)
        for row in rows(database_url, f'SELECT t::text FROM "{table}" t')
    )

    assert "card_fp_" in stored
    for text in SENT:
        assert text not in stored


def test_a_second_import_and_another_spelling_are_the_same_orders(
    ontem: Callable[..., Result],
) -> None:
    ontem("import", a_file(HEADER + ROWS), *SHOP)
    spelt = ROWS.replace("4111 1111 1111 1111", "4111-1111-1111-1111")

    result = ontem("import", a_file(HEADER + spelt), *SHOP)

    assert "0 orders and 0 chargebacks new; 4 and 0 already stored; 1 refused" in result.output
