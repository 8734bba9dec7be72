"""The labelled orders of a training set as arrays."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features_pkg.array_types import Floats, Ints, Mask
from stores.offline.files import Files
from stores.offline.runs import DataFile

OWN_COLUMNS = ("order_pk", "asked_at", "asked_day", "label", "label_known_at", "card_code")


@dataclass(frozen=True, slots=True)
class Examples:
    """Orders with a label, sorted by the instant of their question, then `order_pk`.

    `matrix` is (orders, features), NaN for null. `asked_us` and `known_us` (since when the label is
    what it is) are epoch microseconds, `days` civil days, `cards` codes, 0 for no card.
    """

    matrix: Floats
    labels: Mask
    asked_us: Ints
    known_us: Ints
    days: Ints
    cards: Ints

    def __len__(self) -> int:
        """How many orders there are."""
        return len(self.labels)

    def take(self, chosen: Mask) -> "Examples":
        """The chosen orders, in the same order."""
        return Examples(
            matrix=self.matrix[chosen],
            labels=self.labels[chosen],
            asked_us=self.asked_us[chosen],
            known_us=self.known_us[chosen],
            days=self.days[chosen],
            cards=self.cards[chosen],
        )


def read_examples(
    files: Files, described: Sequence[DataFile], features: Sequence[str], old_enough_us: int
) -> Examples:
    """The labelled orders of the `described` files whose question is at or before `old_enough_us`.

    Of younger orders only those charged back have a label, so they would make fraud look more
    common than it is.
    """
    tables = [_read_file(files, file.key, features, old_enough_us) for file in described]
    table = pa.concat_tables(tables).sort_by([("asked_at", "ascending"), ("order_pk", "ascending")])
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


def _read_file(files: Files, key: str, features: Sequence[str], old_enough_us: int) -> pa.Table:
    with files.open(key) as file:
        table = pq.read_table(file, columns=[*OWN_COLUMNS, *features])
    asked_us = pc.cast(table["asked_at"], pa.int64())
    usable = pc.and_(pc.is_valid(table["label"]), pc.less_equal(asked_us, old_enough_us))
    return table.filter(usable)


def _int64(column: pa.ChunkedArray) -> Ints:
    return np.asarray(pc.cast(column, pa.int64()).to_numpy(), dtype=np.int64)
