"""The values of a peer against those of a training set: a peer that differs is not measured."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds


class TrainingValues:
    """The columns of a training set, read when they are compared.

    An order that was evaluated live saw what was committed by then, which no window knows; such
    rows are not compared.
    """

    def __init__(self, files: Sequence[str]) -> None:
        self._files = ds.dataset(list(files), format="parquet")
        keys = self._files.to_table(columns=["order_pk", "live"])
        order_pk = keys["order_pk"].to_numpy()
        self._order = np.argsort(order_pk)
        self._order_pk = order_pk[self._order]
        self._imported = ~keys["live"].to_numpy()[self._order]
        self.compared_rows = int(self._imported.sum())

    def check(self, piece: str, names: Sequence[str]) -> None:
        """Raises AssertionError unless the file has the same values of these features."""
        theirs = ds.dataset(parquet_files(piece), format="parquet").to_table()
        their_pk = theirs["order_pk"].to_numpy()
        position = np.searchsorted(self._order_pk, their_pk)
        position[position == len(self._order_pk)] = 0
        is_asked = self._order_pk[position] == their_pk
        ours = self._files.to_table(columns=list(names))
        for name in names:
            expected = ours[name].combine_chunks().take(pa.array(self._order))
            found = np.full(len(self._order_pk), -1, np.int64)
            found[position[is_asked]] = theirs[name].to_numpy()[is_asked]
            different = pc.fill_null(expected, -1).to_numpy(zero_copy_only=False) != found
            count = int((different & self._imported).sum())
            if count:
                raise AssertionError(f"{count:,} values of {name} differ from the training set's")


def parquet_files(piece: str) -> list[str]:
    """The files of what a peer has written, which Spark makes a folder of."""
    path = Path(piece)
    return [str(each) for each in path.glob("*.parquet")] if path.is_dir() else [piece]
