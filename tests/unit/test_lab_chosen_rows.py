"""Rows that are chosen of files are those rows, whatever the row groups are."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ontem.lab.chosen_rows import chosen_rows, start_of_last
from stores.offline.files import open_files
from tests.integration.offline_runs import Place


@pytest.mark.parametrize(
    "rows",
    [[0], [4], [5], [9], [3, 4, 5, 6], [0, 2, 8], list(range(10))],
    ids=str,
)
def test_chosen_rows_are_counted_through_groups_and_files(rows: list[int], tmp_path: Path) -> None:
    files = open_files(tmp_path.as_uri(), Place("", ""))
    table = pa.table(
        {"key": range(10), "square": [each**2 for each in range(10)], "more": [0] * 10}
    )
    for name, part in (("a", table.slice(0, 5)), ("b", table.slice(5))):
        sink = pa.BufferOutputStream()
        pq.write_table(part, sink, row_group_size=2)
        files.write(name, sink.getvalue())

    found = chosen_rows(files, ["a", "b"], ["square", "key"], np.array(rows))

    assert found.to_pydict() == {"square": [each**2 for each in rows], "key": rows}


@pytest.mark.parametrize(
    ("least", "start"), [(1, 8), (2, 6), (3, 6), (4, 4), (7, 2), (8, 0), (9, 0), (99, 0)]
)
def test_the_last_groups_are_taken_whole(least: int, start: int, tmp_path: Path) -> None:
    files = open_files(tmp_path.as_uri(), Place("", ""))
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"key": range(9)}), sink, row_group_size=2)  # 2, 2, 2, 2, 1
    files.write("a", sink.getvalue())

    assert start_of_last(files, "a", least) == start
