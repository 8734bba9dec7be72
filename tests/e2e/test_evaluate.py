"""POST /evaluate against the real service: what it answers, and what it stores."""

import math
from datetime import UTC, datetime
from typing import Any

import pytest

from features_pkg.orders.normalising import normalise_value
from tests.e2e.conftest import NOON, Shop

CPF = "529.982.247-25"


def an_order(order_id: str = "o-1", **fields: Any) -> dict[str, Any]:
    return {"order_id": order_id, "amount_cents": 1990, "document": CPF, **fields}


def charge_back(shop: Shop, order_id: str, reported_at: str) -> None:
    shop.database.execute(
        "INSERT INTO chargebacks (merchant_id, order_id, event_at, reported_at, import_id)"
        " VALUES (%s, %s, %s, %s, 1)",
        (shop.merchant.merchant_id, order_id, reported_at, reported_at),
    )


def test_an_order_gets_a_score_and_a_decision(shop: Shop):
    answer = shop.evaluate(an_order())

    assert answer.status == 200
    body = answer.body
    assert 0 <= body["score"] <= 1
    assert body["decision"] == shop.merchant.policy.decide(body["score"], 0)
    assert body["model"] == "a-test-model"
    assert body["feature_set"] == shop.features.version
    assert (body["as_of"], body["evaluated_at"]) == ("2018-06-01", NOON)
    assert (body["stale"], body["degraded"], body["missing"]) == (False, False, [])


def test_order_and_evaluation_are_stored_as_they_were_answered(shop: Shop):
    body = shop.evaluate(an_order()).body

    ((evaluation_id, score, decision, load_id, stale_days, visible, missing, at),) = shop.stored(
        "evaluation_id, score, decision, load_id, stale_days, visible::text, missing, evaluated_at",
        "o-1",
    )
    assert str(evaluation_id) == body["evaluation_id"]
    assert (score, decision) == (body["score"], body["decision"])
    assert (load_id, stale_days, missing) == (1, 0, [])
    assert visible.count(":") == 2
    assert at == datetime(2018, 6, 1, 15, tzinfo=UTC)


def test_the_order_is_stored_with_canonical_values_at_its_own_instant(shop: Shop):
    items = [
        {"product": "p-2", "quantity": 1, "amount_cents": 990},
        {"product": "p-1", "quantity": 2, "amount_cents": 1000},
        {"product": "p-2", "quantity": 1, "amount_cents": 0},
    ]
    shop.evaluate(an_order(items=items, placed_at="2018-05-31T09:00:00-03:00", email=" A@B.Com "))

    row = shop.database.execute(
        "SELECT order_pk, document, email, product, event_at, evaluated_at, placed_at FROM orders"
        " WHERE merchant_id = %s",
        (shop.merchant.merchant_id,),
    ).fetchone()
    assert row is not None
    noon = datetime(2018, 6, 1, 15, tzinfo=UTC)
    assert row[1:] == (
        normalise_value("document", CPF),
        normalise_value("email", " A@B.Com "),
        ["p-2", "p-1"],
        noon,
        noon,
        datetime(2018, 5, 31, 12, tzinfo=UTC),
    )
    products = shop.database.execute(
        "SELECT product, event_at FROM order_products WHERE order_pk = %s ORDER BY product",
        (row[0],),
    ).fetchall()
    assert products == [("p-1", noon), ("p-2", noon)]


def test_the_orders_before_count_to_the_microsecond_and_the_order_itself_does_not(shop: Shop):
    for order_id, at in [
        ("a", "2018-05-31T14:59:59.999999Z"),
        ("b", "2018-05-31T15:00:00Z"),
        ("c", "2018-06-01T14:49:59.999999Z"),
        ("d", "2018-06-01T14:50:00Z"),
        ("e", "2018-06-01T15:00:00Z"),
    ]:
        shop.evaluate(an_order(order_id), at=at)
    shop.evaluate(an_order("asked"))

    vector = shop.vector("asked")
    assert vector["document_orders_24h_recent"] == 3
    assert vector["document_orders_10m_recent"] == 1
    assert vector["document_orders_since_cutoff_recent"] == 2


def test_distinct_values_amounts_and_products_come_from_the_same_rows(shop: Shop):
    item = {"product": "p-1", "quantity": 1, "amount_cents": 1}
    shop.evaluate(an_order("a", zip_code="01310-100", items=[item]), at="2018-06-01T14:00:00Z")
    shop.evaluate(an_order("b", zip_code="20040-002"), at="2018-06-01T14:10:00Z")
    shop.evaluate(an_order("c", zip_code="20040-002"), at="2018-06-01T14:20:00Z")
    shop.evaluate(an_order("asked", items=[item]))

    vector = shop.vector("asked")
    assert vector["document_distinct_zip_code_orders_24h_recent"] == 2
    assert vector["document_amount_cents_orders_24h_recent"] == 3 * 1990
    assert vector["product_orders_24h_recent"] == 1


def test_whom_one_buys_from_has_a_past_too(shop: Shop):
    shop.evaluate(an_order("a", seller=" s-1", card="c-1"), at="2018-06-01T14:00:00Z")
    shop.evaluate(an_order("b", seller="s-1", card="c-2"), at="2018-06-01T14:10:00Z")
    shop.evaluate(an_order("c", seller="s-2", card="c-1"), at="2018-06-01T14:20:00Z")
    shop.evaluate(an_order("asked", seller="s-1", card="c-1"))
    shop.evaluate(an_order("of the house", card="c-1"))

    vector = shop.vector("asked")
    assert vector["seller_orders_24h_recent"] == 2
    assert vector["seller_distinct_card_orders_24h_recent"] == 2
    assert vector["seller_amount_cents_orders_24h_recent"] == 2 * 1990
    assert vector["card_distinct_seller_orders_24h_recent"] == 2
    assert math.isnan(shop.vector("of the house")["seller_orders_24h_recent"])


def test_an_identifier_that_the_order_lacks_is_null_and_one_never_seen_is_0(shop: Shop):
    shop.evaluate(an_order("asked"))

    vector = shop.vector("asked")
    assert vector["document_orders_24h_recent"] == 0
    assert math.isnan(vector["document_first_order_age_seconds"])
    assert math.isnan(vector["card_orders_24h_recent"])


def test_the_orders_of_another_merchant_never_count(shop: Shop, other_shop: Shop):
    other_shop.evaluate(an_order("a"), at="2018-06-01T14:00:00Z")
    shop.evaluate(an_order("asked"))

    assert shop.vector("asked")["document_orders_24h_recent"] == 0


def test_a_chargeback_counts_from_when_it_was_reported_and_only_the_first(shop: Shop):
    shop.evaluate(an_order("a"), at="2018-05-30T14:00:00Z")
    shop.evaluate(an_order("b"), at="2018-05-30T14:00:00Z")
    shop.evaluate(an_order("c"), at="2018-05-30T14:00:00Z")
    charge_back(shop, "a", "2018-06-01T14:00:00Z")
    charge_back(shop, "a", "2018-06-01T14:30:00Z")
    charge_back(shop, "b", "2018-05-31T14:00:00Z")
    charge_back(shop, "b", "2018-06-01T14:00:00Z")
    charge_back(shop, "c", "2018-06-01T15:00:00Z")
    shop.evaluate(an_order("asked"))

    assert shop.vector("asked")["document_chargebacks_24h_recent"] == 1


def test_a_chargeback_that_waited_for_its_order_counts_from_the_order(shop: Shop):
    charge_back(shop, "a", "2018-05-20T14:00:00Z")
    shop.evaluate(an_order("a"), at="2018-06-01T14:00:00Z")
    shop.evaluate(an_order("asked"))

    assert shop.vector("asked")["document_chargebacks_24h_recent"] == 1


def test_a_chargeback_of_another_order_of_the_same_product_counts_for_the_product(shop: Shop):
    items = [{"product": name, "quantity": 1, "amount_cents": 1} for name in ("p-1", "p-2")]
    shop.evaluate(an_order("a", items=items), at="2018-05-30T14:00:00Z")
    charge_back(shop, "a", "2018-06-01T14:00:00Z")
    shop.evaluate(an_order("asked", document=None, items=items[1:]))

    assert shop.vector("asked")["product_chargebacks_24h_recent"] == 1


def test_without_a_clock_header_the_instant_is_the_service_s_own(shop: Shop):
    before = datetime.now(UTC)
    answer = shop.evaluate(an_order(), at=None)

    evaluated_at = datetime.fromisoformat(answer.body["evaluated_at"])
    assert before <= evaluated_at <= datetime.now(UTC)


@pytest.mark.parametrize("at", ["2018-06-01T12:00:00", "noon", "9999-12-31T23:59:59-14:00"])
def test_a_clock_that_is_not_an_instant_with_an_offset_is_refused(shop: Shop, at: str):
    answer = shop.evaluate(an_order(), at=at)

    assert answer.status == 400
    assert answer.body["code"] == "clock_refused"


def test_the_log_has_a_line_per_request_and_nothing_about_the_buyer(shop: Shop, service):
    secret = {"email": "ana@exemplo.com.br", "phone": "11987654321", "user": "ana-user-7"}
    body = shop.evaluate(an_order("order-of-ana", **secret)).body
    shop.evaluate(an_order("order-of-ana", user="bia-user-8"))
    shop.evaluate(an_order("order-of-ana", amount_cents="ana"))
    shop.client.send("GET", "/ana-user-7")

    log = service.log.read_text()
    assert body["evaluation_id"] in log
    for text in (*secret.values(), "order-of-ana", "52998224725", CPF, "bia-user-8", "ana"):
        assert text not in log
    assert shop.client.key not in log
