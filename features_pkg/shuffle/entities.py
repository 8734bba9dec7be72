"""The keyed hashes of a batch's identifier values, found once for each different value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features_pkg.array_types import Ints
from features_pkg.entity_keys import EntityKeys
from features_pkg.identifiers import Identifier


@dataclass(frozen=True, slots=True)
class Entities:
    """Row `row[i]` of the batch names the entity whose key is `words[i]`: three int64.

    `row` is ascending; a row with several values stands there once for each different one.
    """

    row: Ints
    words: Ints

    def of_rows(self, rows: Ints) -> tuple[Ints, Ints]:
        """Which of `rows` name which entities: (index into `rows`, index into this)."""
        start = np.searchsorted(self.row, rows, side="left")
        count = np.searchsorted(self.row, rows, side="right") - start
        into = np.repeat(np.arange(len(rows)), count)
        first = np.repeat(np.cumsum(count) - count, count)
        return into, np.repeat(start, count) + np.arange(len(into)) - first


def entities_of(batch: pa.Table, identifier: Identifier, keys: EntityKeys) -> Entities:
    """The entities of one identifier in a batch of order rows."""
    column, merchants = batch[identifier].combine_chunks(), batch["merchant_id"].to_numpy()
    if identifier.several:
        row = pc.list_parent_indices(column).to_numpy().astype(np.int64)
        column = pc.list_flatten(column)
    else:
        row = np.arange(len(column))
    valid = pc.is_valid(column).to_numpy(zero_copy_only=False)
    row, column = row[valid], column.filter(pa.array(valid))
    encoded = pc.dictionary_encode(column)
    values, code = encoded.dictionary.to_pylist(), encoded.indices.to_numpy().astype(np.int64)
    known, merchant = np.unique(merchants[row], return_inverse=True)
    pairs, pair = np.unique(merchant * max(len(values), 1) + code, return_inverse=True)
    content = b"".join(
        keys.key(int(known[p // len(values)]), identifier, values[p % len(values)])
        for p in pairs.tolist()
    )
    words = np.frombuffer(content, dtype="<i8").reshape(-1, 3)
    if identifier.several and len(row):
        _, first = np.unique(row * len(pairs) + pair, return_index=True)
        row, pair = row[first], pair[first]
    return Entities(row, words[pair])
