"""The entities that the orders of a batch name, as the numbers that the shuffle has for them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features_pkg.array_types import Ints
from features_pkg.chunked import binary_column
from features_pkg.entity_keys import KEY_BYTES
from features_pkg.history.ragged import expand
from features_pkg.identifiers import Identifier
from features_pkg.shuffle.rows import KEY_WORDS


@dataclass(frozen=True, slots=True)
class Entities:
    """Row `row[i]` of the batch names the entity whose key is `words[i]`: three int64.

    `row` is ascending; a row with several values has an entry for each different one.
    """

    row: Ints
    words: Ints

    def of_rows(self, rows: Ints) -> tuple[Ints, Ints]:
        """Which of `rows` name which entities: (index into `rows`, index into this).

        As `row` is ascending, each row's entries are one slice, found by two binary searches.
        """
        start = np.searchsorted(self.row, rows, side="left")
        end = np.searchsorted(self.row, rows, side="right")
        return expand(start, end - start)


def entities_of(batch: pa.Table, identifier: Identifier) -> Entities:
    """The entities of one identifier in a batch of keyed rows."""
    column = batch[identifier].combine_chunks()
    if identifier.several:
        row = pc.list_parent_indices(column).to_numpy().astype(np.int64)
        return Entities(row, key_words(pc.list_flatten(column)))
    valid = pc.is_valid(column).to_numpy(zero_copy_only=False)
    return Entities(np.flatnonzero(valid), key_words(column.drop_null()))


def key_words(column: pa.Array) -> Ints:
    """Entity keys, none of them null, as three int64 each."""
    keys = column.cast(pa.binary(KEY_BYTES))
    data = memoryview(keys.buffers()[1] or b"")
    used = data[KEY_BYTES * keys.offset : KEY_BYTES * (keys.offset + len(keys))]
    return np.frombuffer(used, dtype="<i8").reshape(-1, KEY_BYTES // 8)


def words_of_rows(rows: pa.Table) -> Ints:
    """The key of each shuffle row, as three int64."""
    return np.stack([rows[name].to_numpy() for name in KEY_WORDS], axis=1)


def keys_of_words(words: Ints) -> pa.ChunkedArray:
    """Entity keys of three int64 each, as their bytes."""
    content = np.ascontiguousarray(words, dtype="<i8")
    return binary_column(content, np.arange(len(content) + 1, dtype=np.int64) * KEY_BYTES)
