"""Which threads a request waits for, by its head alone."""

from typing import cast

import pytest
from gunicorn.config import Config  # type: ignore[import-untyped]

from service.app import Dependencies, create_app
from service.authentication import KeyRing
from service.head_checks import HeadChecks
from service.rate_limits import RateLimits
from service.worker.gate import Lane
from service.worker.head import parse
from stores.postgres.api_keys import ApiKey

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
    sent = f"{line} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {ApiKey.new().text}\r\n"
    if line.startswith("POST"):
        sent += "Content-Type: application/json\r\nContent-Length: 2\r\n"

    head = parse(f"{sent}\r\n".encode(), Config(), ("127.0.0.1", 1), 1)
    assert CHECKS.check(head).lane is lane
