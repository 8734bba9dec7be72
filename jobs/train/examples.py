"""The labelled orders of a training set as arrays."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features_pkg.array_types import Floats, Ints, Mask
from stores.files.manifest import DataFile
from stores.files.store import OfflineStore

FIXED = ("order_pk", "asked_at", "asked_day", "label", "label_known_at", "card_code")


@dataclass(frozen=True, slots=True)
class Examples:
    """Orders with a label, by question instant, then `order_pk`.

    `matrix` is (orders, features), NaN for null. `asked_us` and `known_us` (when the label became
    what it is) are epoch microseconds, `days` civil days, `cards` codes, 0 for no card.
    """

    matrix: Floats
    labels: Mask
    asked_us: Ints
    known_us: Ints
    days: Ints
    cards: Ints

    def __len__(self) -> int:
        """How many orders."""
        return len(self.labels)

    def take(self, which: Mask) -> "Examples":
        """The chosen ones, in the same order."""
        return Examples(
            matrix=self.matrix[which],
            labels=self.labels[which],
            asked_us=self.asked_us[which],
            known_us=self.known_us[which],
            days=self.days[which],
            cards=self.cards[which],
        )


def read_examples(
    store: OfflineStore, files: Sequence[DataFile], features: Sequence[str], old_enough_us: int
) -> Examples:
    """The labelled orders of `files` that were asked about at or before `old_enough_us`.

    Younger ones that were charged back have a label already while their honest neighbours have
    none yet: they would make fraud look more common than it is.
    """
    parts = [_read_one(store, file.key, features, old_enough_us) for file in files]
    table = pa.concat_tables(parts).sort_by([("asked_at", "ascending"), ("order_pk", "ascending")])
    matrix = np.empty((table.num_rows, len(features)), dtype=np.float64)
    for position, name in enumerate(features):
        matrix[:, position] = pc.cast(table[name], pa.float64()).to_numpy()
    return Examples(
        matrix=matrix,
        labels=table["label"].to_numpy() == 1,
        asked_us=_int64(table["asked_at"]),
        known_us=_int64(table["label_known_at"]),
        days=_int64(pc.cast(table["asked_day"], pa.int32())),
        cards=_int64(pc.fill_null(table["card_code"], 0)),
    )


def _read_one(
    store: OfflineStore, key: str, features: Sequence[str], old_enough_us: int
) -> pa.Table:
    with store.open(key) as file:
        table = pq.read_table(file, columns=[*FIXED, *features])
    asked_us = pc.cast(table["asked_at"], pa.int64())
    fits = pc.and_(pc.is_valid(table["label"]), pc.less_equal(asked_us, old_enough_us))
    return table.filter(fits)


def _int64(column: pa.ChunkedArray) -> Ints:
    return np.asarray(pc.cast(column, pa.int64()).to_numpy(), dtype=np.int64)
