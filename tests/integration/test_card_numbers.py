"""No card's number is stored by an import: every byte of the database is searched for it."""

from collections.abc import Callable
from pathlib import Path

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
