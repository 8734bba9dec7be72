"""Order features of the orders' values, by column: computed once for each different value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features_pkg.array_types import Ints
from features_pkg.definitions.order_features import VALUE_FEATURES, ValuePart
from features_pkg.identifiers import Identifier


def value_features(batch: pa.Table, product_keys: pa.ChunkedArray) -> dict[str, pa.Array]:
    """The columns of `VALUE_FEATURES`, int32, of a batch of `ORDER_ROWS`.

    Some of them take forty microseconds, so each is asked once for each different combination of
    the values that it reads. `product_keys` has each different product of an order once.
    """
    parts = {feature.parts for feature in VALUE_FEATURES.values()}
    combinations = {each: _combinations(batch, each, product_keys) for each in parts}
    return {
        name: combinations[feature.parts].answers(feature.function)
        for name, feature in VALUE_FEATURES.items()
    }


@dataclass(frozen=True, slots=True)
class _Combinations:
    """Row `i` of a batch has the values `different[of_row[i]]`, one for each part."""

    of_row: Ints
    different: list[tuple[Any, ...]]

    def answers(self, function: Callable[..., int | None]) -> pa.Array:
        """What `function` says of each row."""
        found = pa.array([function(*values) for values in self.different], pa.int32())
        return found.take(pa.array(self.of_row))


def _combinations(
    batch: pa.Table, parts: tuple[ValuePart, ...], product_keys: pa.ChunkedArray
) -> _Combinations:
    """The different combinations of some parts of values: codes of pairs, one part at a time."""
    of_row = np.zeros(batch.num_rows, np.int64)
    different: list[tuple[Any, ...]] = [()]
    for part in parts:
        code, values = _different(batch, part, product_keys)
        pairs, of_row = np.unique(of_row * len(values) + code, return_inverse=True)
        different = [
            (*different[pair // len(values)], values[pair % len(values)]) for pair in pairs.tolist()
        ]
    return _Combinations(of_row, different)


def _different(
    batch: pa.Table, part: ValuePart, product_keys: pa.ChunkedArray
) -> tuple[Ints, list[Any]]:
    """The code of each row's value in the list of the different ones, and that list."""
    if part.identifier is Identifier.PRODUCT:
        counts, code = np.unique(_lengths(product_keys), return_inverse=True)
        return code, [tuple(map(str, range(count))) for count in counts.tolist()]
    column = batch[part.identifier].combine_chunks()
    if part.characters is not None:
        column = pc.utf8_slice_codeunits(column, 0, part.characters)
    encoded = pc.dictionary_encode(column, null_encoding="encode")
    return encoded.indices.to_numpy().astype(np.int64), encoded.dictionary.to_pylist() or [None]


def _lengths(lists: pa.ChunkedArray) -> Ints:
    lengths: Ints = pc.fill_null(pc.list_value_length(lists), 0).to_numpy().astype(np.int64)
    return lengths
