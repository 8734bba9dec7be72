"""The rows of a partition, some keys at a time: as many as fit into memory."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from jobs.parts import MEMORY_OF_A_PART
from jobs.spark.divided_rows import FILES, MOST_HELD_BYTES, divided_rows


def batches(rows: int, keys: int) -> Iterator[pa.RecordBatch]:
    random = np.random.default_rng(3)
    table = pa.table(
        {
            "key": random.integers(-(2**62), 2**62, keys)[random.integers(0, keys, rows)],
            "number": np.arange(rows),
            "list": [[n, n + 1][: n % 3] for n in range(rows)],
            "text": [f"{n}" if n % 5 else None for n in range(rows)],
        }
    )
    yield from table.to_batches(700)


def test_few_rows_are_one_table_and_no_rows_none() -> None:
    assert list(divided_rows(iter(()), "key")) == []
    (table,) = divided_rows(batches(5_000, 90), "key")
    assert table == pa.Table.from_batches(list(batches(5_000, 90)))


def test_many_rows_are_several_tables_and_each_key_is_whole_in_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPARK_LOCAL_DIRS", f"{tmp_path},/nowhere")
    tables = list(divided_rows(batches(20_000, 900), "key", most_bytes=90_000))

    assert len(tables) == FILES
    together = pa.concat_tables(tables).sort_by("number")
    assert together == pa.Table.from_batches(list(batches(20_000, 900))).sort_by("number")
    of_keys = Counter(key for table in tables for key in set(table["key"].to_pylist()))
    assert set(of_keys.values()) == {1}
    assert max(table.num_rows for table in tables) < 3 * 20_000 / FILES
    assert list(tmp_path.iterdir()) == []


def test_the_files_are_in_the_folder_that_spark_has_for_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPARK_LOCAL_DIRS", f"{tmp_path / 'missing'}")

    with pytest.raises(FileNotFoundError, match="missing"):
        list(divided_rows(batches(20_000, 900), "key", most_bytes=90_000))


def test_a_part_that_is_ten_times_as_full_takes_no_more_memory_than_one_may() -> None:
    """In small: `MOST_HELD_BYTES` are 26 MB here, and the part has 260 MB."""
    run = subprocess.run(
        [sys.executable, "-m", "tests.full_part", "10"], capture_output=True, text=True, check=True
    )
    before, peak, held, answered = map(int, run.stdout.split())

    assert answered == 901_610
    assert peak - before <= MEMORY_OF_A_PART * held / MOST_HELD_BYTES
