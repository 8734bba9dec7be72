"""How much a merchant may ask, by a clock of the test's own."""

import os
from dataclasses import dataclass

import pytest

from service.errors import RateLimited
from service.rate_limits import BUCKETS, BYTES_PER_REQUEST, LEAST_BURST, RateLimits
from stores.policy import Policy
from stores.postgres.merchants import Merchant

SECOND = 1_000_000_000


@dataclass
class Clock:
    now_ns: int = 5 * SECOND

    def __call__(self) -> int:
        return self.now_ns


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limits(clock: Clock) -> RateLimits:
    return RateLimits(now_ns=clock)


def merchant(requests_per_second: int | None, merchant_id: int = 7) -> Merchant:
    return Merchant(merchant_id, "loja", Policy(requests_per_second=requests_per_second))


def taken(limits: RateLimits, asking: Merchant, most: int = 1_000, body_length: int = 0) -> int:
    """How many requests in a row are let through."""
    for number in range(most):
        try:
            limits.take(asking, body_length)
        except RateLimited:
            return number
    return most


def test_two_seconds_worth_may_come_at_once_and_then_the_rate(clock: Clock, limits: RateLimits):
    assert taken(limits, merchant(100)) == 200
    for _ in range(3):
        clock.now_ns += SECOND // 10
        assert taken(limits, merchant(100)) == 10
    clock.now_ns += 3_600 * SECOND
    assert taken(limits, merchant(100)) == 200


def test_a_small_limit_still_takes_a_burst(clock: Clock, limits: RateLimits):
    assert taken(limits, merchant(1)) == LEAST_BURST
    clock.now_ns += SECOND
    assert taken(limits, merchant(1)) == 1


def test_no_limit_is_none(limits: RateLimits):
    assert taken(limits, merchant(None)) == 1_000


def test_a_refused_request_costs_nothing(clock: Clock, limits: RateLimits):
    taken(limits, merchant(100))
    for _ in range(50):
        assert taken(limits, merchant(100)) == 0
    clock.now_ns += SECOND // 100
    assert taken(limits, merchant(100)) == 1


def test_a_merchant_takes_nothing_from_another(limits: RateLimits):
    taken(limits, merchant(100))

    assert taken(limits, merchant(100, merchant_id=8)) == 200


@pytest.mark.parametrize("pods", [1, 2, 3])
def test_each_pod_grants_its_share(clock: Clock, pods: int):
    limits = RateLimits(pods, clock)
    asking = merchant(300)

    assert taken(limits, asking) == 600 // pods
    clock.now_ns += SECOND
    assert taken(limits, asking) == pytest.approx(300 / pods, abs=1)


def test_a_share_of_less_than_one_request_a_second_is_no_refusal_of_all(clock: Clock):
    limits = RateLimits(4, clock)

    assert taken(limits, merchant(1)) == LEAST_BURST
    clock.now_ns += 4 * SECOND
    assert taken(limits, merchant(1)) == 1


@pytest.mark.parametrize(
    ("length", "batches"),
    [
        (0, 32),
        (1, 32),
        (BYTES_PER_REQUEST, 32),
        (BYTES_PER_REQUEST + 1, 16),
        (2**21, 1),
        (2**62, 1),
    ],
)
def test_a_long_body_costs_more_and_the_longest_what_a_full_bucket_has(
    limits: RateLimits, length: int, batches: int
):
    assert taken(limits, merchant(1), body_length=length) == batches


def test_the_refusal_says_when_to_send_again(clock: Clock, limits: RateLimits):
    taken(limits, merchant(1))
    with pytest.raises(RateLimited) as one:
        limits.take(merchant(1))
    with pytest.raises(RateLimited) as batch:
        limits.take(merchant(1), 2**21)

    assert (one.value.seconds, batch.value.seconds) == (1, 32)
    clock.now_ns += 32 * SECOND
    limits.take(merchant(1), 2**21)


def test_a_limit_that_is_raised_is_followed_at_once(clock: Clock, limits: RateLimits):
    taken(limits, merchant(1))
    assert taken(limits, merchant(1_000)) == 0
    clock.now_ns += SECOND // 10

    assert taken(limits, merchant(1_000)) == 100


def test_the_processes_of_a_service_share_the_buckets_also_when_one_dies(clock: Clock):
    limits = RateLimits(now_ns=clock)
    child = os.fork()
    if not child:
        os._exit(taken(limits, merchant(100)))
    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 200
    assert taken(limits, merchant(100)) == 0


def test_the_newest_of_a_million_merchants_has_a_bucket(limits: RateLimits):
    assert taken(limits, merchant(1, merchant_id=BUCKETS - 1)) == LEAST_BURST
    assert taken(limits, merchant(1, merchant_id=2**63 - 1)) == 0
