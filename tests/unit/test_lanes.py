"""Which threads a request waits for, by its head alone."""

from typing import cast

import pytest
from gunicorn.config import Config  # type: ignore[import-untyped]

from service.app import Dependencies, create_app
from service.authentication import KeyRing
from service.head_checks import HeadChecks
from service.rate_limits import RateLimits
from service.worker.gate import STRANGERS, Lane
from service.worker.head import Head, parse
from stores.policy import Policy
from stores.postgres.api_keys import ApiKey
from stores.postgres.merchants import Merchant

CHECKS = HeadChecks(create_app(cast(Dependencies, None)), KeyRing(), RateLimits())


@pytest.mark.parametrize(
    ("line", "lane"),
    [
        ("POST /evaluate", Lane.REQUESTS),
        ("GET /evaluations?order_id=1", Lane.REQUESTS),
        ("GET /evaluations/1", Lane.REQUESTS),
        ("GET /evaluations/1/explain", Lane.BULK),
        ("POST /orders/batch", Lane.BULK),
        ("POST /chargebacks", Lane.BULK),
        ("GET /statusz", Lane.HEALTH),
    ],
)
def test_what_no_buyer_waits_for_takes_no_thread_from_those_that_wait(line: str, lane: Lane):
    assert CHECKS.check(a_head(line, ApiKey.new())).lane is lane


@pytest.mark.parametrize("line", ["POST /evaluate", "POST /chargebacks"])
def test_each_merchant_is_a_party_and_all_whose_key_is_unknown_are_one(line: str):
    keys, key = KeyRing(), ApiKey.new()
    checks = HeadChecks(create_app(cast(Dependencies, None)), keys, RateLimits())
    assert checks.check(a_head(line, key)).party == STRANGERS

    keys.merchant(f"Bearer {key.text}", 0.0, lambda _: Merchant(7, "loja", Policy()))
    assert checks.check(a_head(line, key)).party == 7


@pytest.mark.parametrize("line", ["GET /openapi.json", "HEAD /openapi.json", "GET /docs"])
def test_all_who_read_about_the_interface_are_one_party(line: str):
    passed = CHECKS.check(a_head(line, ApiKey.new()))

    assert (passed.lane, passed.party, passed.is_paced) == (Lane.REQUESTS, None, True)


@pytest.mark.parametrize("line", ["GET /livez", "GET /readyz"])
def test_who_asks_whether_a_process_may_get_orders_never_waits_for_a_turn(line: str):
    assert not CHECKS.check(a_head(line, ApiKey.new())).is_paced


@pytest.mark.parametrize("line", ["GET /readyz", "GET /statusz", "GET /metrics"])
@pytest.mark.parametrize(("peer", "party"), [(("10.0.0.9", 4711), "10.0.0.9"), ("", "")])
def test_who_watches_the_service_is_a_party_by_its_address(line: str, peer: object, party: str):
    passed = CHECKS.check(a_head(line, ApiKey.new(), peer))

    assert (passed.lane, passed.party) == (Lane.HEALTH, party)


def a_head(line: str, key: ApiKey, peer: object = ("127.0.0.1", 1)) -> Head:
    sent = f"{line} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {key.text}\r\n"
    if line.startswith("POST"):
        sent += "Content-Type: application/json\r\nContent-Length: 2\r\n"
    return parse(f"{sent}\r\n".encode(), Config(), peer, 1)
