"""The work of one Spark task on a part of a training set, in a process of its own.

Prints the peak of the process in bytes before and after.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa

from features_pkg import shuffle
from features_pkg.calendar import Calendar
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.entity_keys import EntityKeys
from features_pkg.identifiers import IDENTIFIERS
from jobs.parts import ORDERS_OF_A_PART
from ontem.generating import generate
from tests.peak_memory import peak_memory

BATCH_ROWS = 50_000
PASSED = pa.schema([("order_id", pa.string())])


def orders_with_questions(orders: int, features: FeatureSet) -> pa.Table:
    """Generated orders, one in fifty charged back; all are live and ask."""
    table = generate(orders, 365, 1, datetime(2026, 1, 1, tzinfo=UTC))
    at_us = np.sort(table["event_at"].cast(pa.int64()).to_numpy())
    number = np.arange(orders)
    charged = [[int(us) + 10**12] if n % 50 == 0 else None for n, us in enumerate(at_us)]
    due_day = Calendar(features.timezone).due_days(at_us, features.snapshot_lag)
    bound = orders + 1
    columns = {
        "order_pk": number,
        "merchant_id": np.ones(orders, dtype=np.int64),
        "order_id": number.astype(str),
        "event_us": at_us,
        "recorded_key": number,
        "amount_cents": table["amount_cents"],
        **{str(i): table[str(i)] for i in IDENTIFIERS if str(i) in table.column_names},
        "chargeback_us": charged,
        "chargeback_key": [each and [n] for n, each in enumerate(charged)],
        "asked_us": at_us,
        "as_of": due_day,
        "visible": [shuffle.live_visibility(bound, n, n + 1, range(max(n - 8, 0), n))
                    for n in range(orders)],
    }  # fmt: skip
    schema = pa.schema([*shuffle.ORDER_ROWS, *shuffle.QUESTION_FIELDS])
    arrays = [
        pa.nulls(orders, field.type)
        if field.name not in columns
        else columns[field.name].cast(field.type)
        if isinstance(columns[field.name], pa.ChunkedArray)
        else pa.array(columns[field.name], field.type)
        for field in schema
    ]
    return pa.table(arrays, schema=schema)


def main() -> None:
    """Answer, then assemble, as the two shuffles of a training set do."""
    features = FeatureSet("America/Sao_Paulo", timedelta(hours=4))
    keys, calendar = (
        EntityKeys(b"a secret of the tests", features.timelines_id),
        Calendar(features.timezone),
    )
    table = orders_with_questions(ORDERS_OF_A_PART, features)
    starts = range(0, table.num_rows, BATCH_ROWS)
    batches = [shuffle.keyed(table.slice(start, BATCH_ROWS), keys) for start in starts]
    firsts = shuffle.MerchantStarts(())
    own = [shuffle.order_pieces(b, PASSED, features, calendar, firsts) for b in batches]
    rows = pa.concat_tables([shuffle.explode(batch, features.targets) for batch in batches])
    del table, batches
    before = peak_memory()
    pieces = shuffle.answer_pieces(rows, features, calendar)
    del rows
    found = shuffle.assemble(pa.concat_tables(own), pieces, features, PASSED)
    print(before, peak_memory(), found.num_rows)  # noqa: T201  the parent reads it


if __name__ == "__main__":
    main()
