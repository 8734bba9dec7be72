"""The rows of a snapshot: checked file by file, and read in the order of their keys."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import IO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features_pkg.entity_keys import KEY_BYTES
from jobs.snapshot.errors import SnapshotDamaged
from stores.offline.files import Files
from stores.offline.runs import DataFile
from stores.redis.keys import GROUPS
from stores.redis.publish import GroupRows

ROWS_AT_ONCE = 20_000
COLUMNS = ["entity", "timeline"]
KEY_LENGTHS = {"min": KEY_BYTES, "max": KEY_BYTES}
FIRST_BYTES = 256 // GROUPS
"""How many first bytes of a key belong to one group."""


def check_rows(files: Files, file: DataFile) -> int:
    """How many bytes the file's keys and timelines have.

    Raises SnapshotDamaged unless the file has whole rows, in the order of different keys.
    """
    with files.open(file.key) as source:
        try:
            table = pq.read_table(source, columns=COLUMNS)
        except (pa.ArrowInvalid, KeyError) as error:
            raise SnapshotDamaged(key=file.key, reason=str(error)) from None
    keys, timelines = (table[name].combine_chunks() for name in COLUMNS)
    if table.num_rows != file.rows:
        raise SnapshotDamaged(key=file.key, reason="a row is missing")
    if keys.null_count or timelines.null_count:
        raise SnapshotDamaged(key=file.key, reason="a row has a null")
    if table.num_rows and pc.min_max(pc.binary_length(keys)).as_py() != KEY_LENGTHS:
        raise SnapshotDamaged(key=file.key, reason=f"a key does not have {KEY_BYTES} bytes")
    _check_ascending(keys, file.key)
    return sum(pc.sum(pc.binary_length(column)).as_py() or 0 for column in (keys, timelines))


def read_groups(files: Files, described: Sequence[DataFile]) -> Iterator[GroupRows]:
    """The rows of each group of `stores/redis/keys.py`, in the order of their keys.

    Spark spreads entities over the files as it likes, but each file is in the order of keys, so all
    are read side by side, and no more is held than one group and a piece of each file. Raises
    SnapshotDamaged for an entity that two files have.
    """
    with ExitStack() as stack:
        sources = [_SortedRows(stack.enter_context(files.open(file.key))) for file in described]
        for group in range(GROUPS):
            end = FIRST_BYTES * (group + 1)
            pieces = [piece for source in sources for piece in source.before(end)]
            if not pieces:
                yield [], []
                continue
            table = pa.concat_tables(pieces).sort_by(COLUMNS[0]).combine_chunks()
            _check_ascending(table[COLUMNS[0]].combine_chunks(), "the snapshot")
            yield table[COLUMNS[0]].to_pylist(), table[COLUMNS[1]].to_pylist()


class _SortedRows:
    """The rows of one file, taken from its start on."""

    def __init__(self, source: IO[bytes]) -> None:
        self._batches = pq.ParquetFile(source).iter_batches(ROWS_AT_ONCE, columns=COLUMNS)
        self._rest: pa.Table | None = None

    def before(self, end: int) -> Iterator[pa.Table]:
        """What is left of the rows whose key begins with a byte below `end`."""
        while (rows := self._rest or self._next()) is not None:
            keys = rows[COLUMNS[0]]
            count = rows.num_rows
            if end < 256:
                count = pc.sum(pc.less(keys, pa.scalar(bytes([end]), pa.binary()))).as_py() or 0
            if count:
                yield rows.slice(0, count)
            if count < rows.num_rows:
                self._rest = rows.slice(count)
                return
            self._rest = None

    def _next(self) -> pa.Table | None:
        batch = next(self._batches, None)
        return None if batch is None else pa.Table.from_batches([batch])


def _check_ascending(keys: pa.Array, name: str) -> None:
    if len(keys) > 1 and not pc.all(pc.less(keys[:-1], keys[1:])).as_py():
        raise SnapshotDamaged(
            key=name, reason="an entity appears twice, or rows are not in the order of their keys"
        )
