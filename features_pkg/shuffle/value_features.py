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
from features_pkg.shuffle.codes import coded, coded_pairs
from features_pkg.shuffle.stand_ins import stand_ins


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
    """The different combinations of some parts of values, one part after the other."""
    of_row = np.zeros(batch.num_rows, np.int64)
    different: list[tuple[Any, ...]] = [()]
    for part in parts:
        values, code = _different(batch, part, product_keys)
        before, added, of_row = coded_pairs(of_row, code)
        pairs = zip(before.tolist(), added.tolist(), strict=True)
        different = [(*different[one], values[other]) for one, other in pairs]
    return _Combinations(of_row, different)


def _different(
    batch: pa.Table, part: ValuePart, product_keys: pa.ChunkedArray
) -> tuple[list[Any], Ints]:
    """The different values of a part, and which of them each row has."""
    if part.identifier is Identifier.PRODUCT:
        counts, code = coded(pc.fill_null(pc.list_value_length(product_keys), 0).combine_chunks())
        return [tuple(map(str, range(count))) for count in counts.to_pylist()], code
    column = batch[part.identifier].combine_chunks()
    if part.characters is not None:
        column = pc.utf8_slice_codeunits(column, 0, part.characters)
    different, code = coded(stand_ins(part, column))
    return different.to_pylist(), code
