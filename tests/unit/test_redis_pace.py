"""How fast a load is written: calls get smaller and pauses longer while Redis is slow."""

from pathlib import Path

import pytest

from stores.redis.pace import (
    LEAST_BUCKETS,
    LONGEST_CALL,
    LONGEST_PAUSE,
    MOST_BUCKETS,
    Pace,
    seconds_in_line,
)


class Calls:
    """A pace whose clock is set by hand, and the pauses that it took."""

    def __init__(self) -> None:
        self.now, self.pauses = 100.0, list[float]()
        self.pace = Pace(self.pauses.append, lambda: self.now)

    def wait(self, seconds: float) -> None:
        """One call that waits so long for Redis."""
        with self.pace.call():
            self.now += seconds


@pytest.fixture
def calls() -> Calls:
    return Calls()


def test_a_redis_that_answers_at_once_is_never_waited_for(calls: Calls) -> None:
    for _ in range(10):
        calls.wait(LONGEST_CALL / 10)

    assert (calls.pace.buckets, calls.pauses) == (MOST_BUCKETS, [])


def test_a_call_that_took_too_long_is_paid_for_with_a_pause_and_smaller_calls(calls: Calls) -> None:
    calls.wait(3 * LONGEST_CALL)
    assert calls.pace.buckets == MOST_BUCKETS // 2
    for _ in range(20):
        calls.wait(100.0)

    assert calls.pace.buckets == LEAST_BUCKETS
    assert calls.pauses == pytest.approx([2 * LONGEST_CALL] + [LONGEST_PAUSE] * 20)


def test_calls_get_larger_again_once_they_are_short(calls: Calls) -> None:
    calls.wait(1.0)

    calls.wait(LONGEST_CALL * 0.9)
    assert calls.pace.buckets == MOST_BUCKETS // 2
    calls.wait(LONGEST_CALL / 10)
    assert calls.pace.buckets == MOST_BUCKETS


@pytest.mark.parametrize(
    ("account", "seconds"),
    [(b"4697214 29210800 3\n", 0.0292108), (b"0 0 0\n", 0.0), (b"", 0.0), (None, 0.0)],
)
def test_the_time_in_line_for_a_processor_is_linuxs_own(
    tmp_path: Path, account: bytes | None, seconds: float
) -> None:
    file = tmp_path / "schedstat"
    if account is not None:
        file.write_bytes(account)

    assert seconds_in_line(file) == seconds
