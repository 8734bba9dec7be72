"""What the benchmarks say of answers and of samples."""

import pytest

from benchmarks.faults import SOON_MS, Outcome
from benchmarks.open_loop import Answer
from benchmarks.soak import MORE_OTHERS, Sample, growth
from benchmarks.steady import Steady
from benchmarks.steal import loop_milliseconds

ENDED = 100.0


def answer(
    due: float, milliseconds: float = 5.0, *, normal: bool = True, status: int = 200
) -> Answer:
    recorded = status == 200
    return Answer(
        due, milliseconds / 1000, status, "o", "e", is_recorded=recorded, is_degraded=not normal
    )


@pytest.mark.parametrize(
    ("orders", "seconds"),
    [
        ([answer(99.0, normal=False), answer(101.0)], 0.0),
        ([answer(101.0, normal=False), answer(103.5, status=503), answer(104.0)], 3.5),
        ([answer(104.0), answer(101.5, normal=False), answer(101.0)], 1.5),
        ([answer(101.0), answer(104.0, normal=False)], None),
        ([answer(99.0)], None),
    ],
)
def test_normal_again_is_when_the_last_other_answer_was_due(
    orders: list[Answer], seconds: float | None
) -> None:
    assert Outcome(orders, [], ENDED).seconds_until_normal == seconds


def test_a_refusal_in_time_is_an_answer_and_a_broken_connection_is_none() -> None:
    orders = [
        answer(99.0, SOON_MS),
        answer(99.0, 1.0, status=503),
        answer(99.0, SOON_MS + 1),
        answer(99.0, 1.0, status=0),
    ]

    assert Outcome(orders, [], ENDED).soon == 0.5


@pytest.mark.parametrize(
    ("column", "step", "grew"),
    [
        ("memory_mb", 0.1, False),
        ("memory_mb", 1.0, True),
        ("memory_mb", -1.0, False),
        ("descriptors", 1, True),
        ("threads", 1, True),
        ("postgres", 1, True),
        ("redis", 0, False),
    ],
)
def test_what_grows_in_the_second_half_is_named(column: str, step: float, *, grew: bool) -> None:
    flat = {"memory_mb": 300.0, "descriptors": 40, "threads": 9, "postgres": 5, "redis": 5}
    bounded = {"hot_entities": 0, "hot_mb": 0.0}
    samples = [
        Sample(minute, **{**flat, **bounded, column: flat[column] + step * minute})  # type: ignore[arg-type]
        for minute in range(2 * MORE_OTHERS + 16)
    ]

    lines = dict(zip(flat, growth(samples), strict=True))
    assert ("grew" in lines[column]) is grew
    assert not any("grew" in line for name, line in lines.items() if name != column)


def test_answers_that_are_not_whole_are_told_and_their_times_count() -> None:
    steady = Steady()
    steady.keep([answer(99.0, 5.0) for _ in range(6)])
    assert (steady.whole, steady.p50) == ("100.00%", 5.0)
    steady.check("nothing")

    steady.keep([answer(99.0, 9.0, normal=False), answer(99.0, 9.0, normal=False)])
    steady.keep([answer(99.0, 9.0, status=503), answer(99.0, 9.0, status=0)])
    steady.keep([Answer(99.0, 0.009, 200, "o", "e"), *[answer(99.0, 9.0) for _ in range(9)]])

    with pytest.raises(AssertionError, match=r"beside an echo: 75\.00% \(2 x degraded"):
        steady.check("an echo")
    assert steady.whole == "75.00% (2 x degraded, 1 x 503, 1 x without an answer, 1 x not recorded)"
    assert steady.p50 == 9.0


def test_the_loop_of_a_calm_machine_is_measured_at_least_twice() -> None:
    median, slowest = loop_milliseconds(0.0)
    assert 0 < median <= slowest
