"""The answers to a part of a training set that is ten times as full as it may be in memory.

Prints the peak of the process in bytes before and after, the limit, and the number of answers.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import timedelta

import pyarrow as pa
import pyarrow.compute as pc

from features_pkg import shuffle
from features_pkg.calendar import Calendar
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.entity_keys import EntityKeys
from jobs.spark.divided_rows import divided_rows
from tests.part_of_orders import orders_with_questions
from tests.peak_memory import peak_memory

BATCH_ROWS = 50_000


def copies(rows: pa.Table, number: int) -> Iterator[pa.RecordBatch]:
    """The rows so often, each time of other entities and orders, batch after batch."""
    for copy in range(number):
        table = rows
        for name, step in (("entity_hi", 1), ("order_pk", rows.num_rows)):
            column = pc.add(rows[name], copy * step)
            table = table.set_column(table.schema.get_field_index(name), name, column)
        yield from table.to_batches(BATCH_ROWS)


def main(times: int) -> None:
    """Answer, and let go of the answers."""
    features = FeatureSet("America/Sao_Paulo", timedelta(hours=4))
    keys = EntityKeys(b"a secret of the tests", features.timelines_id)
    orders = shuffle.keyed(orders_with_questions(12_000, features), keys)
    rows = shuffle.explode(orders, features.targets)
    rows = rows.filter(pc.less(rows["entity_hi"], 2**62))  # room for the copies' steps
    before, answered = peak_memory(), 0
    for table in divided_rows(copies(rows, times), "entity_hi", rows.nbytes):
        pieces = shuffle.answer_pieces(table, features, Calendar(features.timezone))
        answered += sum(len(each.order_pk) for each in pieces)
    print(before, peak_memory(), rows.nbytes, answered)  # noqa: T201  the parent reads it


if __name__ == "__main__":
    main(int(sys.argv[1]))
