"""The development clock on the paths that need a key: it is used or refused, never ignored."""

import pytest

from tests.e2e.conftest import NOON, Shop
from tests.e2e.shop_requests import (
    an_order,
    get,
    post_batch,
    report,
    stored_chargebacks,
    stored_orders,
    the_problem,
)


def test_an_order_of_a_batch_counts_from_the_clock_of_its_request(shop: Shop):
    post_batch(shop, [an_order(document="52998224725")], Ontem_Clock=NOON)
    post_batch(shop, [an_order(order_id="o-2")])

    (first,), (second,) = stored_orders(shop, "event_at::text")
    assert first == "2018-06-01 15:00:00+00"
    assert not second.startswith("2018")
    shop.evaluate(an_order(order_id="next", document="52998224725"), at="2018-06-01T15:30:00Z")
    assert shop.vector("next")["document_orders_1h_recent"] == 1


def test_a_chargeback_is_told_at_the_clock_of_its_request(shop: Shop):
    shop.evaluate(an_order(document="52998224725"), at=NOON)
    report(shop, clock="2018-06-01T15:10:00Z")
    problem = the_problem(
        report(shop, reported_at="2018-06-03T12:00:00Z", clock="2018-06-02T12:00:00Z"), 422
    )

    assert stored_chargebacks(shop, "event_at::text, reported_at::text") == [
        ("2018-06-01 15:10:00+00",) * 2
    ]
    assert problem["param"] == "reported_at"
    shop.evaluate(an_order(order_id="next", document="52998224725"), at="2018-06-01T15:30:00Z")
    assert shop.vector("next")["document_chargebacks_24h_recent"] == 1


def test_a_clock_without_an_offset_is_refused_and_nothing_stored(shop: Shop):
    for answer in (
        post_batch(shop, [an_order()], Ontem_Clock="2018-06-01T15:00:00"),
        report(shop, clock="noon"),
    ):
        assert the_problem(answer, 400)["code"] == "clock_refused"
    assert (stored_orders(shop), stored_chargebacks(shop, "1")) == ([], [])


@pytest.mark.parametrize(
    "by", ["/evaluations?order_id=o-1", "/evaluations/{}", "/evaluations/{}/explain"]
)
def test_a_clock_is_refused_where_it_would_change_nothing(shop: Shop, by: str):
    evaluation_id = shop.evaluate(an_order()).body["evaluation_id"]
    problem = the_problem(get(shop, by.format(evaluation_id), Ontem_Clock=NOON), 400)

    assert problem["code"] == "clock_refused"
    assert problem["detail"] == "Ontem-Clock changes nothing that is only read: leave it out"
