"""The rows of a snapshot: checked file by file, and read in the order of their keys."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features_pkg.entity_keys import KEY_BYTES
from jobs.snapshot.errors import SnapshotDamaged
from jobs.snapshot.stored_rows import ENTITY
from stores.offline.files import Files
from stores.offline.runs import DataFile
from stores.redis.ring import RingRows, first_key

ROWS_AT_ONCE = 20_000
COLUMNS = [ENTITY, "timeline"]
LINK = "link"
"""The column with the number of the link that a row is from, 0 that of the newest."""
KEY_LENGTHS = {"min": KEY_BYTES, "max": KEY_BYTES}
PIECE_BUCKETS = 2_048
"""How many buckets are written at a time: they have some 30,000 to 65,000 entities."""


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
    if not _are_ascending(keys):
        raise _out_of_order(file.key)
    return sum(pc.sum(pc.binary_length(column)).as_py() or 0 for column in (keys, timelines))


def read_pieces(
    files: Files, links: Sequence[Sequence[DataFile]], buckets: int, first: int, end: int
) -> Iterator[RingRows]:
    """The rows of the ring's places from `first` to before `end`, some buckets at a time.

    `links` has the files of each link of a chain, newest first: of an entity that several have, the
    newest row counts. Each file is in the order of keys, so all that may have a row are read side
    by side, and no more is held than a few thousand buckets and a piece of each of them. Raises
    SnapshotDamaged for an entity that two files of one link have.
    """
    bounds = first_key(first, buckets), first_key(end, buckets)
    with ExitStack() as stack:
        sources = [
            (link, _SortedRows(stack.enter_context(files.open(file.key)), *bounds))
            for link, described in enumerate(links)
            for file in described
            if _overlaps(file, *bounds)
        ]
        for start in range(first, end, PIECE_BUCKETS):
            stop = min(start + PIECE_BUCKETS, end)
            bound = first_key(stop, buckets)
            tables = [
                table.append_column(LINK, pa.repeat(link, table.num_rows))
                for link, source in sources
                for table in source.before(bound)
            ]
            yield RingRows(start, stop, *_newest_rows(tables))


def _newest_rows(tables: Sequence[pa.Table]) -> tuple[pa.Array, pa.Array]:
    """The key and the timeline of each entity, by key: those of its lowest link."""
    if not tables:
        return pa.array([], pa.binary()), pa.array([], pa.binary())
    table = pa.concat_tables(tables).combine_chunks()
    if not _are_ascending(table[ENTITY].combine_chunks()):
        table = table.sort_by([(ENTITY, "ascending"), (LINK, "ascending")]).combine_chunks()
        keys, links = table[ENTITY].combine_chunks(), table[LINK].combine_chunks()
        is_same = pc.equal(keys[1:], keys[:-1])
        if pc.any(pc.and_(is_same, pc.equal(links[1:], links[:-1]))).as_py():
            raise _out_of_order("the snapshot")
        table = table.filter(pa.concat_arrays([pa.array([True]), pc.invert(is_same)]))
    keys, timelines = (table[name].combine_chunks() for name in COLUMNS)
    return keys, timelines


class _SortedRows:
    """The rows of one file, taken from its start on."""

    def __init__(self, source: pa.NativeFile, lower: bytes, upper: bytes) -> None:
        """Begin with the row groups that may have keys from `lower` to before `upper`."""
        file = pq.ParquetFile(source, page_checksum_verification=True)
        groups = [
            number
            for number in range(file.num_row_groups)
            if _may_have(file.metadata.row_group(number), lower, upper)
        ]
        self._batches = file.iter_batches(ROWS_AT_ONCE, columns=COLUMNS, row_groups=groups)
        self._rest: pa.Table | None = None
        for _ in self.before(lower) if lower else ():
            pass

    def before(self, bound: bytes) -> Iterator[pa.Table]:
        """What is left of the rows whose key is less than `bound`; all, if that is empty."""
        while (rows := self._rest or self._next()) is not None:
            keys = rows[ENTITY]
            count = rows.num_rows
            if bound:
                count = pc.sum(pc.less(keys, pa.scalar(bound, pa.binary()))).as_py() or 0
            if count:
                yield rows.slice(0, count)
            if count < rows.num_rows:
                self._rest = rows.slice(count)
                return
            self._rest = None

    def _next(self) -> pa.Table | None:
        batch = next(self._batches, None)
        return None if batch is None else pa.Table.from_batches([batch])


def _out_of_order(name: str) -> SnapshotDamaged:
    reason = "an entity appears twice, or rows are not in the order of their keys"
    return SnapshotDamaged(key=name, reason=reason)


def _overlaps(file: DataFile, lower: bytes, upper: bytes) -> bool:
    """Whether a file may have keys from `lower` to before `upper`, by its bounds."""
    bounds, digits = file.bounds_of(ENTITY), 2 * len(lower)
    if bounds is None:
        return True
    lowest, highest = f"{bounds.lowest}"[:digits], f"{bounds.highest}"[:digits]
    return highest >= lower.hex() and (not upper or lowest < upper.hex())


def _may_have(group: pq.RowGroupMetaData, lower: bytes, upper: bytes) -> bool:
    """Whether a row group may have keys from `lower` to before `upper`, by its statistics."""
    found = (group.column(number) for number in range(group.num_columns))
    known = next(column.statistics for column in found if column.path_in_schema == ENTITY)
    if known is None or not known.has_min_max:
        return True
    return bool(known.max >= lower and (not upper or known.min < upper))


def _are_ascending(keys: pa.Array) -> bool:
    return len(keys) < 2 or bool(pc.all(pc.less(keys[:-1], keys[1:])).as_py())
