"""States in ranges of keys, and the files of a snapshot as workers write them, by such ranges."""

import hashlib
import uuid
from collections.abc import Iterator
from datetime import date
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features_pkg.array_types import Ints
from features_pkg.shuffle import Prefixes, key_prefixes
from jobs.parted_files import by_part
from jobs.snapshot.facts import PARTITION
from jobs.snapshot.stored_rows import ENTITY
from stores.offline.files import Files
from stores.offline.runs import Bounds, DataFile

ROWS_OF_A_GROUP: Final = 2**14
"""The rows of a row group: who looks for few entities leaves out those that have none of them."""
_DIFFERENT_IN_EACH_ROW: Final = (ENTITY, "timeline", "state")
NAMED_DIGITS: Final = 8
_HALF: Final = np.uint64(32)


def parts_of_keys(prefixes: Prefixes, parts: int) -> Ints:
    """Which of so many ranges of equal width each key is in, by its first 8 bytes as a number.

    >>> parts_of_keys(np.array([0, 2**62, 2**64 - 1], np.uint64), 4).tolist()
    [0, 1, 3]
    """
    return np.asarray((prefixes >> _HALF) * np.uint64(parts) >> _HALF).astype(np.int64)


def by_range(states: pa.Table, parts: int) -> Iterator[pa.RecordBatch]:
    """States (`STATE_ROWS`), those of each of so many ranges of keys in turn."""
    return by_part(parts_of_keys(key_prefixes(states), parts), parts).batches(states)


def ends_of_part(part: int, parts: int) -> tuple[int, int]:
    """The first number of a range, and the first one after it.

    >>> [f"{end:x}" for end in ends_of_part(1, 4)]
    ['4000000000000000', '8000000000000000']
    """
    return -(-(part << 32) // parts) << 32, -(-((part + 1) << 32) // parts) << 32


def write_part(files: Files, folder: str, as_of: date, rows: pa.Table) -> DataFile:
    """Write rows of a day, which are in the order of their keys.

    The file's name begins as its first key does, and no other attempt gives the same one.
    """
    entities = rows[ENTITY]
    first, last = (entities[position].as_py().hex() for position in (0, -1))
    key = f"{folder}/{first[:NAMED_DIGITS]}-{uuid.uuid4().hex}.parquet"
    day = pa.repeat(pa.scalar(as_of, pa.date32()), rows.num_rows)
    rows = rows.add_column(0, pa.field(PARTITION, pa.date32()), day)
    sink = pa.BufferOutputStream()
    pq.write_table(
        rows,
        sink,
        compression="zstd",
        compression_level=3,
        row_group_size=ROWS_OF_A_GROUP,
        use_dictionary=[
            path
            for field in rows.schema
            if field.name not in _DIFFERENT_IN_EACH_ROW
            for path in _paths(field)
        ],
        write_page_checksum=True,
        write_statistics=[PARTITION, ENTITY],
    )
    content = memoryview(sink.getvalue())
    files.write(key, content)
    return DataFile(
        key=key,
        rows=rows.num_rows,
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        bounds=(Bounds(ENTITY, first, last),),
    )


def _paths(field: pa.Field) -> list[str]:
    """The names of a field's columns in a file."""
    if pa.types.is_list(field.type):
        return [f"{field.name}.list.element.{item.name}" for item in field.type.value_type]
    return [field.name]
