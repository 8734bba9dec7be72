"""How fast a load is written: calls get smaller and pauses longer while Redis is slow."""

import pytest

from stores.redis.pace import (
    LEAST_BUCKETS,
    LONGEST_CALL,
    LONGEST_PAUSE,
    MOST_BUCKETS,
    Pace,
)


def test_a_redis_that_answers_at_once_is_never_waited_for() -> None:
    pauses: list[float] = []
    pace = Pace(pauses.append)

    for _ in range(10):
        pace.note(LONGEST_CALL / 10)

    assert (pace.buckets, pauses) == (MOST_BUCKETS, [])


def test_a_call_that_took_too_long_is_paid_for_with_a_pause_and_smaller_calls() -> None:
    pauses: list[float] = []
    pace = Pace(pauses.append)

    pace.note(3 * LONGEST_CALL)
    assert pace.buckets == MOST_BUCKETS // 2
    for _ in range(20):
        pace.note(100.0)

    assert pace.buckets == LEAST_BUCKETS
    assert pauses == pytest.approx([2 * LONGEST_CALL] + [LONGEST_PAUSE] * 20)


def test_calls_get_larger_again_once_they_are_short() -> None:
    pace = Pace(lambda _: None)
    pace.note(1.0)

    pace.note(LONGEST_CALL * 0.9)
    assert pace.buckets == MOST_BUCKETS // 2
    pace.note(LONGEST_CALL / 10)
    assert pace.buckets == MOST_BUCKETS
