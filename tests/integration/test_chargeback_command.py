"""`ontem chargeback`: what an operator tells by hand."""

from collections.abc import Callable
from datetime import datetime

from click.testing import Result

from tests.integration.imports import GOOD, HEADER, SHOP, a_file, rows

LATELY = "clock_timestamp() - event_at BETWEEN interval '0' AND interval '10 minutes'"


def tell(ontem: Callable[..., Result], *words: str) -> Result:
    return ontem("chargeback", *words, "--merchant", "shop")


def a_shop(ontem: Callable[..., Result]) -> None:
    ontem("import", a_file(HEADER + GOOD), *SHOP)


def test_a_chargeback_counts_from_now(ontem: Callable[..., Result], database_url: str) -> None:
    a_shop(ontem)

    result = tell(ontem, "a")

    assert result.exit_code == 0, result.output
    assert result.output.startswith("chargeback of order a of shop recorded at 20")
    assert len(result.output.splitlines()) == 1
    found = rows(database_url, f"SELECT order_id, {LATELY} FROM chargeback_events")
    assert found == [("a", True)]


def test_a_reversal_changes_no_event(ontem: Callable[..., Result], database_url: str) -> None:
    a_shop(ontem)
    tell(ontem, "a")

    result = tell(ontem, "a", "--reversal")

    assert result.output.startswith("reversal of order a of shop recorded at 20")
    assert len(result.output.splitlines()) == 1
    assert rows(database_url, "SELECT count(*) FROM chargeback_events") == [(1,)]
    kinds = rows(database_url, "SELECT kind, import_id FROM chargebacks ORDER BY chargeback_pk")
    assert kinds == [("chargeback", None), ("reversal", None)]


def test_an_unknown_order_is_said_and_its_chargeback_waits(
    ontem: Callable[..., Result], database_url: str
) -> None:
    a_shop(ontem)

    result = tell(ontem, "z")

    assert "shop has no order z: it waits for its order" in result.output
    assert rows(database_url, "SELECT count(*) FROM chargeback_events") == [(0,)]
    assert rows(database_url, "SELECT order_id FROM chargebacks") == [("z",)]


def test_a_second_chargeback_and_a_reversal_of_none_are_said(
    ontem: Callable[..., Result], database_url: str
) -> None:
    a_shop(ontem)

    alone = tell(ontem, "a", "--reversal")
    tell(ontem, "a")
    ((first,),) = rows(database_url, "SELECT event_at FROM chargebacks WHERE kind = 'chargeback'")
    second = tell(ontem, "a")

    assert "the reversal waits for one" in alone.output
    assert isinstance(first, datetime)
    assert f"the first one, of {first.isoformat()}, is the one that" in second.output


def test_an_unknown_merchant_or_an_impossible_order_id_is_a_sentence(
    ontem: Callable[..., Result], database_url: str
) -> None:
    a_shop(ontem)

    merchant = ontem("chargeback", "a", "--merchant", "shpo")
    order_id = tell(ontem, "x" * 129)

    assert (merchant.exit_code, order_id.exit_code) == (1, 2)
    assert "there is no merchant 'shpo'" in merchant.stderr
    assert "the order id has more than 128 characters" in order_id.stderr
    assert rows(database_url, "SELECT count(*) FROM chargebacks") == [(0,)]
