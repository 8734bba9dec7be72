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


@pytest.mark.parametrize(
    ("line", "has_half_room"),
    [("POST /evaluate", False), ("POST /chargebacks", True), ("GET /evaluations/1/explain", True)],
)
def test_merchants_take_turns_and_who_has_no_known_key_or_asks_for_the_one_thread_has_half_room(
    *, line: str, has_half_room: bool
):
    keys, key = KeyRing(), ApiKey.new()
    checks = HeadChecks(create_app(cast(Dependencies, None)), keys, RateLimits())
    stranger = checks.check(a_head(line, key))
    assert (stranger.party, stranger.has_half_room) == (STRANGERS, True)

    keys.merchant(f"Bearer {key.text}", 0.0, lambda _: Merchant(7, "loja", Policy()))
    known = checks.check(a_head(line, key))
    assert (known.party, known.has_half_room) == (7, has_half_room)


@pytest.mark.parametrize("line", ["GET /openapi.json", "HEAD /openapi.json", "GET /docs"])
def test_who_reads_about_the_interface_leaves_half_of_the_room_to_merchants(line: str):
    passed = CHECKS.check(a_head(line, ApiKey.new()))

    assert (passed.lane, passed.party, passed.has_half_room) == (Lane.REQUESTS, None, True)


def a_head(line: str, key: ApiKey) -> Head:
    sent = f"{line} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {key.text}\r\n"
    if line.startswith("POST"):
        sent += "Content-Type: application/json\r\nContent-Length: 2\r\n"
    return parse(f"{sent}\r\n".encode(), Config(), ("127.0.0.1", 1), 1)
