"""Chargebacks and reversals that a merchant reports."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from stores.postgres.connection import connect
from tests.e2e.conftest import NOON, Shop
from tests.e2e.running import TIMEOUT_SECONDS, HttpAnswer
from tests.e2e.shop_requests import (
    an_order,
    import_order,
    post,
    post_batch,
    report,
    stored_chargebacks,
    the_problem,
    wait_for_a_blocked_session,
)

LATER = "2018-06-03T12:00:00-03:00"


def state(answer: HttpAnswer) -> tuple[str, bool]:
    assert answer.status == 200, answer.body
    return answer.body["state"], answer.body["waits_for_order"]


def waits(answer: HttpAnswer) -> tuple[bool, bool]:
    """Whether a report waits for its order, and for its chargeback."""
    assert answer.status == 200, answer.body
    return answer.body["waits_for_order"], answer.body["waits_for_chargeback"]


def test_a_chargeback_of_a_known_order_is_stored_and_counts(shop: Shop):
    shop.evaluate(an_order(document="52998224725"))

    assert state(report(shop)) == ("stored", False)
    assert shop.evaluate(an_order(order_id="o-2", document="52998224725"), at=None).status == 200
    assert shop.vector("o-2")["document_chargebacks_24h_recent"] == 1


def test_a_chargeback_of_an_unknown_order_waits_for_it_and_says_so(shop: Shop):
    assert state(report(shop)) == ("stored", True)
    assert state(report(shop)) == ("known", True)

    post_batch(shop, [an_order(document="52998224725")])

    assert state(report(shop)) == ("known", False)
    shop.evaluate(an_order(order_id="o-2", document="52998224725"), at=None)
    assert shop.vector("o-2")["document_chargebacks_24h_recent"] == 1


def test_a_reversal_without_a_chargeback_waits_for_it_and_says_so(shop: Shop):
    shop.evaluate(an_order())

    assert waits(report(shop, kind="reversal")) == (False, True)
    assert waits(report(shop, kind="reversal")) == (False, True)
    assert waits(report(shop)) == (False, False)
    assert waits(report(shop, kind="reversal")) == (False, False)
    assert waits(report(shop, "unknown", kind="reversal")) == (True, True)


def test_another_merchants_chargeback_is_none_to_reverse(shop: Shop, other_shop: Shop):
    report(other_shop)

    assert waits(report(shop, kind="reversal")) == (True, True)


def test_an_order_of_another_merchant_is_unknown(shop: Shop, other_shop: Shop):
    other_shop.evaluate(an_order())
    report(other_shop)

    assert state(report(shop)) == ("stored", True)


@pytest.mark.parametrize("kind", ["chargeback", "reversal"])
def test_the_same_report_twice_is_known(shop: Shop, kind: str):
    shop.evaluate(an_order(), at=NOON)
    reports = [report(shop, kind=kind, reported_at=LATER) for _ in range(2)]
    same_instant = report(shop, kind=kind, reported_at="2018-06-03T15:00:00Z")

    assert [state(each)[0] for each in [*reports, same_instant]] == ["stored", "known", "known"]
    assert stored_chargebacks(shop, "kind, reported_at::text, event_at > reported_at") == [
        (kind, "2018-06-03 15:00:00+00", True)
    ]


def test_a_report_at_another_instant_or_of_the_other_kind_is_another_one(shop: Shop):
    shop.evaluate(an_order(), at=NOON)
    reports = [
        report(shop, reported_at=LATER),
        report(shop, reported_at="2018-06-04T12:00:00-03:00"),
        report(shop, kind="reversal"),
        report(shop),
    ]

    assert [state(each)[0] for each in reports] == ["stored", "stored", "stored", "known"]


@pytest.mark.parametrize(
    ("fields", "param", "reason"),
    [
        ({"kind": "refund"}, "kind", "must be chargeback or reversal"),
        ({"kind": 5}, "kind", "must be chargeback or reversal"),
        ({"order_id": ""}, "order_id", "is missing"),
        ({"order_id": None}, "order_id", "is missing"),
        ({"order_id": "x" * 129}, "order_id", "has more than 128"),
        ({"order_id": 5}, "order_id", "must be a text of 1 to 128"),
        ({"amount_cents": 5}, "amount_cents", "is not a known field"),
        ({"reported_at": 5}, "reported_at", "must be an RFC 3339 instant with seconds and offset"),
        (
            {"reported_at": "2026-11-27T12:00Z"},  # ISO 8601, and a file may have it
            "reported_at",
            "must be an RFC 3339 instant with seconds and offset",
        ),
        ({"reported_at": "yesterday"}, "reported_at", "is not a time"),
        ({"reported_at": "2018-06-03T12:00:00"}, "reported_at", "has no time zone"),
        ({"reported_at": "1900-01-01T00:00:00Z"}, "reported_at", "is before 1970 or after 2199"),
        (
            {"reported_at": "2199-01-01T00:00:00Z"},
            "reported_at",
            "2199-01-01T00:00:00+00:00 is in the future: the database's clock says 20",
        ),
        (
            {"reported_at": "2018-06-01T14:59:59Z"},
            "reported_at",
            "2018-06-01T14:59:59+00:00 is before its order, which is of 2018-06-01T15:00:00+00:00",
        ),
    ],
)
def test_a_report_that_cannot_be_is_refused(
    shop: Shop, fields: dict[str, Any], param: str, reason: str
):
    import_order(shop, "o-1", NOON)
    problem = the_problem(report(shop, **fields), 422)

    assert (problem["code"], problem["param"]) == ("field_refused", param)
    assert problem["detail"].startswith(f"{param}: {reason}")
    assert stored_chargebacks(shop, "1") == []


def test_a_chargeback_may_be_told_after_the_order_was_placed_and_before_it_was_stored(shop: Shop):
    post_batch(shop, [an_order(placed_at="2018-06-01T12:00:00-03:00")])

    the_problem(report(shop, reported_at="2018-06-01T14:59:59Z"), 422)
    assert state(report(shop, reported_at="2018-06-01T15:00:00Z")) == ("stored", False)


def test_of_two_equal_reports_at_once_the_second_is_known(shop: Shop, service_database_url: str):
    with connect(service_database_url, application_name="test") as first:
        first.execute(
            "SELECT pg_advisory_xact_lock(hashint8(%s::bigint), hashtext('o-1'))",
            (shop.merchant.merchant_id,),
        )
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(report, shop)
            wait_for_a_blocked_session(shop)
            first.execute(
                "INSERT INTO chargebacks (merchant_id, order_id, event_at, reported_at)"
                " VALUES (%s, 'o-1', ontem_clock(), ontem_clock())",
                (shop.merchant.merchant_id,),
            )
            first.commit()
            answer = waiting.result(TIMEOUT_SECONDS)

    assert state(answer) == ("known", True)
    assert len(stored_chargebacks(shop, "1")) == 1


def test_a_body_that_is_too_long_or_not_json_is_refused(shop: Shop):
    the_problem(post(shop, bytes(65_537), "/chargebacks"), 413)
    the_problem(post(shop, b"{", "/chargebacks"), 400)
    the_problem(post(shop, b"[]", "/chargebacks"), 422)
