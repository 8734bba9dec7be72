"""A shuffle's parts follow the number of orders, and one fits into the memory that is stated."""

from __future__ import annotations

import subprocess
import sys

from jobs.parts import MEMORY_OF_A_PART, ORDERS_OF_A_PART, parts_of, parts_of_delta


def test_parts_follow_the_orders_and_few_orders_the_cores() -> None:
    assert [parts_of(orders, 8) for orders in (0, 800_000, 800_001, 10**8)] == [8, 8, 9, 1000]
    assert [parts_of_delta(events, 8) for events in (1, 80_000, 80_001, 10**6)] == [8, 8, 9, 100]


def test_a_full_part_fits_into_the_memory_that_is_stated() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "tests.part_of_orders"], capture_output=True, text=True, check=True
    )
    _, peak, answered = map(int, run.stdout.split())

    assert answered == ORDERS_OF_A_PART
    assert peak <= MEMORY_OF_A_PART


def test_a_snapshots_part_ten_times_as_full_with_a_hot_entity_fits_as_well() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "tests.part_of_snapshot"], capture_output=True, text=True, check=True
    )
    peak, rows, entities = map(int, run.stdout.split())

    assert rows > entities > 10**6
    assert peak <= MEMORY_OF_A_PART
