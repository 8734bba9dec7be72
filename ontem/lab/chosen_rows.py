"""Some rows of Parquet files."""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features_pkg.array_types import Ints
from stores.offline.files import Files


def chosen_rows(files: Files, keys: Sequence[str], columns: Sequence[str], rows: Ints) -> pa.Table:
    """These columns of these rows, which are counted through all files and ascend.

    One row group is decoded after the other: the memory of the one before is used again, where all
    at once would cost more to get than to fill.
    """
    return pa.concat_tables(_of_groups(files, keys, columns, rows))


def start_of_last(files: Files, key: str, least: int) -> int:
    """The first row of a file's last row groups that have so many rows, or of all if none has."""
    with files.open(key) as source:
        metadata = pq.ParquetFile(source).metadata
    start = metadata.num_rows
    for group in reversed(range(metadata.num_row_groups)):
        start -= metadata.row_group(group).num_rows
        if metadata.num_rows - start >= least:
            break
    return int(start)


def _of_groups(
    files: Files, keys: Sequence[str], columns: Sequence[str], rows: Ints
) -> Iterator[pa.Table]:
    first_row = 0
    for key in keys:
        with files.open(key) as source:
            file = pq.ParquetFile(source, pre_buffer=not files.is_folder)
            for group in range(file.num_row_groups):
                end_row = first_row + file.metadata.row_group(group).num_rows
                start, end = np.searchsorted(rows, (first_row, end_row))
                if start < end:
                    taken = pa.array(rows[start:end] - first_row)
                    yield file.read_row_group(group, list(columns)).take(taken)
                first_row = end_row
