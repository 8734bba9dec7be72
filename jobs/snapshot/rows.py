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
LINK = "link"
"""The column with the number of the link that a row is from, 0 that of the newest."""
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


def read_groups(files: Files, links: Sequence[Sequence[DataFile]]) -> Iterator[GroupRows]:
    """The rows of each group of `stores/redis/keys.py`, in the order of their keys.

    `links` has the files of each link of a chain, newest first: of an entity that several have, the
    newest row counts. Each file is in the order of keys, so all are read side by side, and no more
    is held than one group and a piece of each file. Raises SnapshotDamaged for an entity that two
    files of one link have.
    """
    with ExitStack() as stack:
        sources = [
            (link, _SortedRows(stack.enter_context(files.open(file.key))))
            for link, described in enumerate(links)
            for file in described
        ]
        for group in range(GROUPS):
            end = FIRST_BYTES * (group + 1)
            pieces = [
                piece.append_column(LINK, pa.repeat(link, piece.num_rows))
                for link, source in sources
                for piece in source.before(end)
            ]
            if not pieces:
                yield [], []
                continue
            table = _newest_rows(pa.concat_tables(pieces))
            yield table[COLUMNS[0]].to_pylist(), table[COLUMNS[1]].to_pylist()


def _newest_rows(table: pa.Table) -> pa.Table:
    """One row of each entity, by key: that of its lowest link."""
    by_key = table.sort_by([(COLUMNS[0], "ascending"), (LINK, "ascending")]).combine_chunks()
    keys, links = by_key[COLUMNS[0]].combine_chunks(), by_key[LINK].combine_chunks()
    if len(keys) < 2:
        return by_key
    is_same = pc.equal(keys[1:], keys[:-1])
    if pc.any(pc.and_(is_same, pc.equal(links[1:], links[:-1]))).as_py():
        raise _out_of_order("the snapshot")
    is_newest = pa.concat_arrays([pa.array([True]), pc.invert(is_same)])
    return by_key.filter(is_newest).combine_chunks()


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
        raise _out_of_order(name)


def _out_of_order(name: str) -> SnapshotDamaged:
    reason = "an entity appears twice, or rows are not in the order of their keys"
    return SnapshotDamaged(key=name, reason=reason)
