"""A merchant that asks more than its policy grants is refused, and nobody else is."""

import json
import time
from collections.abc import Iterator

import pytest

from features_pkg.definitions.feature_set import FeatureSet
from ontem_client import Client, Order, RateLimited
from service.rate_limits import LEAST_BURST
from stores.postgres.connection import connect
from stores.postgres.merchants import change_policy
from tests.e2e.conftest import Shop, a_shop
from tests.e2e.running import TIMEOUT_SECONDS, HttpAnswer, RunningService
from tests.e2e.shop_requests import an_order, get, post_batch, report, the_problem


@pytest.fixture
def limited(
    service: RunningService, service_database_url: str, features: FeatureSet
) -> Iterator[Shop]:
    """A merchant that may ask once a second."""
    with connect(service_database_url, application_name="test", autocommit=True) as database:
        yield a_shop(service, database, features, requests_per_second=1)


def flood(shop: Shop, path: str = "/evaluations?order_id=none") -> tuple[int, HttpAnswer]:
    """How many requests are answered until one is refused for being too many, and that refusal."""
    give_up = time.monotonic() + TIMEOUT_SECONDS
    answered = 0
    while (answer := get(shop, path)).status != 429:
        assert time.monotonic() < give_up
        answered += 1
    return answered, answer


def test_too_many_requests_are_told_when_to_come_again(limited: Shop, service: RunningService):
    started = time.monotonic()
    answered, refusal = flood(limited)
    seconds = time.monotonic() - started

    # The first one, whose key was not known yet, costs nothing; one comes back each second.
    assert LEAST_BURST + 1 <= answered <= LEAST_BURST + 2 + seconds
    problem = the_problem(refusal, 429)
    assert problem["code"] == "rate_limited"
    assert problem["detail"] == "more than 1 requests a second: send the same request again in 1 s"
    assert refusal.headers["retry-after"] == "1"


def test_every_path_that_needs_a_key_is_limited_and_none_that_needs_none(limited: Shop):
    flood(limited)
    refusals = [
        limited.evaluate(an_order()),
        post_batch(limited, [an_order()] * 1_000),
        report(limited),
        get(limited, "/evaluations/5c0f6a1d-e6a8-4c6f-9a6f-8a9f0f8f1c2d"),
    ]

    # One of them may meet the request that came back in the meantime; a batch never does.
    assert [answer.status for answer in refusals].count(429) >= 3
    assert refusals[1].status == 429
    assert 1 <= int(refusals[1].headers["retry-after"]) <= 32
    assert limited.client.send("GET", "/livez").status == 200
    assert get(limited, "/nowhere").status == 404


def test_others_are_answered_meanwhile(limited: Shop, shop: Shop):
    flood(limited)

    assert [shop.evaluate(an_order(order_id=f"o-{n}")).status for n in range(50)] == [200] * 50


def test_a_replay_counts_as_any_request(limited: Shop):
    limited.evaluate(an_order())
    statuses = [limited.evaluate(an_order()).status for _ in range(2 * LEAST_BURST)]

    assert 429 in statuses


def test_a_limit_is_taken_away_by_the_policy_and_the_service_follows(
    service: RunningService, service_database_url: str, features: FeatureSet
):
    with connect(service_database_url, application_name="test", autocommit=True) as database:
        shop = a_shop(service, database, features, requests_per_second=1)
        change_policy(database, shop.merchant.name, requests_per_second=None)

        assert {get(shop, "/evaluations?order_id=none").status for _ in range(99)} == {404}


def test_the_client_says_so_and_waits_if_its_deadline_leaves_the_time(
    limited: Shop, service: RunningService
):
    flood(limited)
    url, key = f"http://127.0.0.1:{service.port}", limited.client.key
    with Client(url, key, deadline=TIMEOUT_SECONDS) as client:
        assert client.evaluate(Order(order_id="o-1", amount_cents=1)).order_id == "o-1"
        texts = dict.fromkeys(("user", "email", "device", "seller"), "a" * 480)
        thousand = [Order(order_id=f"o-{n}", amount_cents=1, **texts) for n in range(1_000)]
        with pytest.raises(RateLimited) as refused:
            client.store_orders(thousand, deadline=1)

    assert (refused.value.status, refused.value.code) == (429, "rate_limited")
    assert refused.value.retry_after is not None
    assert 1 <= refused.value.retry_after <= LEAST_BURST


def test_the_log_names_the_merchant_and_no_key(limited: Shop, service: RunningService):
    flood(limited)
    give_up = time.monotonic() + TIMEOUT_SECONDS
    lines: list[dict[str, object]] = []
    while not lines and time.monotonic() < give_up:
        lines = [
            line
            for line in map(json.loads, service.log.read_text().splitlines())
            if line.get("error") == "RateLimited"
            and line.get("merchant_id") == limited.merchant.merchant_id
        ]

    assert lines
    assert lines[0]["event"] == "refused without a thread"
    assert limited.client.key not in service.log.read_text()
