"""The figures of docs/benchmarks.md are of all repetitions; a rehearsal has at least one."""

import pytest

from benchmarks.size import FEW_ORDERS, histories, repetitions


@pytest.mark.parametrize("count", [3, 5, 8, 3_000])
def test_many_orders_have_every_repetition(count: int) -> None:
    assert repetitions(count, FEW_ORDERS) == repetitions(count, 1_000_000) == count


@pytest.mark.parametrize(("count", "few"), [(3, 1), (8, 1), (200, 20), (3_000, 300)])
def test_few_orders_have_a_tenth_of_them_and_at_least_one(count: int, few: int) -> None:
    assert repetitions(count, FEW_ORDERS - 1) == few


@pytest.mark.parametrize(
    ("largest", "sizes"),
    [
        (10_000_000, (10_000, 1_000_000, 10_000_000)),
        (1_000_000, (10_000, 1_000_000)),
        (2_000_000, (10_000, 1_000_000, 2_000_000)),
        (4_000, (4_000,)),
    ],
)
def test_histories_go_up_to_the_largest(largest: int, sizes: tuple[int, ...]) -> None:
    assert histories(largest) == sizes
