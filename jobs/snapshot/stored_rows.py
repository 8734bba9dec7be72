"""Rows of some entities out of the files of a chain, read where a night works on them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features_pkg.entity_keys import KEY_BYTES
from features_pkg.shuffle import Prefixes
from jobs.snapshot.errors import SnapshotDamaged
from stores.offline.damage import damage_is
from stores.offline.files import Files
from stores.offline.runs import DataFile

ENTITY = "entity"

_PREFIX_BYTES = 8
_HEX_DIGITS = 2 * _PREFIX_BYTES


@dataclass(frozen=True, slots=True)
class Keys:
    """Different entity keys in their order, and the first 8 bytes of each as a number."""

    keys: pa.Array
    prefixes: Prefixes

    @classmethod
    def of(cls, keys: pa.Array) -> "Keys":
        """The different keys of an array."""
        different = pc.unique(keys).cast(pa.binary())
        different = different.take(pc.sort_indices(different))
        return cls(different, prefixes_of(different))

    def within(self, file: DataFile) -> "Keys":
        """Those that the file may have, by its bounds."""
        lowest, highest = _ends_of(file)
        start = int(np.searchsorted(self.prefixes, np.uint64(lowest), side="left"))
        end = int(np.searchsorted(self.prefixes, np.uint64(highest), side="right"))
        return Keys(self.keys[start:end], self.prefixes[start:end])

    def without(self, found: pa.ChunkedArray) -> "Keys":
        """Those that are not among `found`."""
        left = pc.invert(pc.is_in(self.keys, value_set=found))
        return Keys(self.keys.filter(left), self.prefixes[left.to_numpy(zero_copy_only=False)])


def prefixes_of(keys: pa.Array) -> Prefixes:
    """The first 8 bytes of each key as a number: of two numbers the greater is of a later key."""
    fixed = keys.cast(pa.binary(KEY_BYTES))
    content = np.frombuffer(fixed.buffers()[1] or b"", ">u8").reshape(-1, KEY_BYTES // 8)
    return content[fixed.offset : fixed.offset + len(fixed), 0].astype(np.uint64)


def newest_stored(
    files: Files, links: Sequence[Sequence[DataFile]], keys: pa.Array, columns: Sequence[str]
) -> pa.Table | None:
    """Of each of the keys that a chain has, these columns of its newest row; None: it has none.

    `links` has the files of each link, newest first. Nothing of a row is decoded before it is found
    to be one of them, and no more than a row group is in memory. Raises SnapshotDamaged,
    FileMissing.
    """
    left, tables = Keys.of(keys), []
    for link in links:
        found = [rows for file in link for rows in _rows_of(files, file, left, columns)]
        if found:
            tables += found
            left = left.without(pa.concat_tables(found)[ENTITY].combine_chunks())
    return pa.concat_tables(tables) if tables else None


def _rows_of(
    files: Files, file: DataFile, wanted: Keys, columns: Sequence[str]
) -> Iterator[pa.Table]:
    wanted = wanted.within(file)
    if not len(wanted.keys):
        return
    with files.open(file.key) as source, damage_is(_damaged(file)):
        content = pq.ParquetFile(source, page_checksum_verification=True)
        for number in range(content.num_row_groups):
            entities = content.read_row_group(number, [ENTITY])[ENTITY]
            is_wanted = pc.is_in(entities, value_set=wanted.keys)
            if pc.any(is_wanted).as_py():
                yield content.read_row_group(number, list(columns)).filter(is_wanted)


def all_stored(
    files: Files, file: DataFile, ends: tuple[int, int], schema: pa.Schema
) -> Iterator[pa.Table]:
    """The rows of a file whose prefixes are in a range, with its columns; its end is not in it.

    Raises SnapshotDamaged, FileMissing.
    """
    first, end = ends
    lowest, highest = _ends_of(file)
    if highest < first or lowest >= end:
        return
    with files.open(file.key) as source, damage_is(_damaged(file)):
        table = pq.read_table(source, columns=schema.names, page_checksum_verification=True)
        keys = table[ENTITY].combine_chunks()
        prefixes = prefixes_of(keys)
        is_within = (prefixes >= np.uint64(first)) & (prefixes <= np.uint64(end - 1))
        yield table.filter(pa.array(is_within)).select(schema.names).cast(schema)


def _ends_of(file: DataFile) -> tuple[int, int]:
    """The first and the last prefix that a file may have, by its bounds."""
    bounds = file.bounds_of(ENTITY)
    if bounds is None:
        return 0, 2**64 - 1
    return _number(f"{bounds.lowest}"), _number(f"{bounds.highest}")


def _number(digits: str) -> int:
    """The first 8 bytes of what hexadecimal digits say, as a number."""
    return int(digits[:_HEX_DIGITS].ljust(_HEX_DIGITS, "0"), 16)


def _damaged(file: DataFile) -> SnapshotDamaged:
    return SnapshotDamaged(key=file.key, reason="it is not what was committed")
