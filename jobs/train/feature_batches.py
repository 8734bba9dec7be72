"""The features of chosen orders of a training set, read in batches."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features_pkg.array_types import Floats, Ints
from stores.offline.files import Files
from stores.offline.runs import DataFile

BATCH_ROWS: Final = 16_384
"""Rows that are decoded at once, whatever the files' row groups are."""


@dataclass(frozen=True, slots=True)
class FeatureFiles:
    """The files of a training set, and the columns that a model reads of them."""

    files: Files
    described: Sequence[DataFile]
    features: tuple[str, ...]

    def matrix(self, rows: Ints) -> Floats:
        """The features of the orders in these rows, (orders, features), NaN for null.

        They are decoded straight into the one matrix. It lies row by row: of any other scikit-learn
        makes a copy that does.
        """
        matrix = np.empty((len(rows), len(self.features)), dtype=np.float64)
        for positions, values in self.batches(rows):
            matrix[positions] = values
        return matrix

    def batches(self, rows: Ints) -> Iterator[tuple[Ints, Floats]]:
        """Batch after batch: positions in `rows`, and the features of the orders there."""
        by_row = np.argsort(rows)
        sorted_rows = rows[by_row]
        first_row = 0
        for batch in self._batches():
            start, end = np.searchsorted(sorted_rows, (first_row, first_row + batch.num_rows))
            if start < end:
                yield by_row[start:end], self._values(batch, sorted_rows[start:end] - first_row)
            first_row += batch.num_rows

    def _batches(self) -> Iterator[pa.RecordBatch]:
        for file in self.described:
            with self.files.open(file.key) as source:
                parquet = pq.ParquetFile(source)
                yield from parquet.iter_batches(BATCH_ROWS, columns=list(self.features))

    def _values(self, batch: pa.RecordBatch, rows: Ints) -> Floats:
        values = np.empty((len(rows), len(self.features)), dtype=np.float64)
        for position, name in enumerate(self.features):
            column = pc.cast(batch.column(name), pa.float64()).to_numpy(zero_copy_only=False)
            values[:, position] = column[rows]
        return values
