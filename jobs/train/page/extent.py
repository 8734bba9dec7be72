"""Which days a training set has, and what is missing in them."""

import itertools
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features_pkg.array_types import Ints
from jobs.train.feature_batches import BATCH_ROWS
from jobs.train.page.figures import DaySpan, Extent
from jobs.train.page.over_time import EPOCH_DATE, date_of
from jobs.training_set.facts import TrainingSetFacts
from stores.offline.files import Files
from stores.offline.runs import DataFile

MOST_SPANS: Final = 90


def extent_of(files: Files, described: Sequence[DataFile], facts: TrainingSetFacts) -> Extent:
    """The extent of the training set in the described files, which are read in batches."""
    orders: dict[int, int] = {}
    labelled: dict[int, int] = {}
    for file in described:
        with files.open(file.key) as source:
            parquet = pq.ParquetFile(source)
            for batch in parquet.iter_batches(BATCH_ROWS, columns=["asked_day", "label"]):
                days = np.asarray(_days(batch))
                _count(orders, days)
                _count(labelled, days[np.asarray(pc.is_valid(batch["label"]))])
    first = min((_day(facts.first_day), *orders))
    last = max((_day(facts.end_day) - 1, *orders))
    return Extent(
        first_day=date_of(first),
        last_day=date_of(last),
        orders=sum(orders.values()),
        spans=_spans(orders, labelled, first, last),
        gaps=_gaps(orders, first, last),
        too_young=facts.labels.too_young,
        charged_back_late=facts.labels.charged_back_late,
    )


def _days(batch: pa.RecordBatch) -> Ints:
    days = batch["asked_day"]
    if pa.types.is_date32(days.type):
        days = pc.cast(days, pa.int32())
    return np.asarray(days.to_numpy(zero_copy_only=False), dtype=np.int64)


def _day(of: date) -> int:
    return (of - EPOCH_DATE) // timedelta(days=1)


def _count(counts: dict[int, int], days: Ints) -> None:
    for day, number in zip(*np.unique(days, return_counts=True), strict=True):
        counts[int(day)] = counts.get(int(day), 0) + int(number)


def _spans(
    orders: dict[int, int], labelled: dict[int, int], first: int, last: int
) -> tuple[DaySpan, ...]:
    """As many days each, so that there are at most MOST_SPANS of them; the last may have fewer."""
    length = -(-(last - first + 1) // MOST_SPANS)

    def total(counts: dict[int, int], start: int) -> int:
        return sum(counts.get(day, 0) for day in range(start, start + length))

    return tuple(
        DaySpan(
            date_of(start),
            date_of(min(start + length - 1, last)),
            total(orders, start),
            total(labelled, start),
        )
        for start in range(first, last + 1, length)
    )


def _gaps(orders: dict[int, int], first: int, last: int) -> tuple[tuple[date, date], ...]:
    days = [first - 1, *sorted(orders), last + 1]
    return tuple(
        (date_of(before + 1), date_of(after - 1))
        for before, after in itertools.pairwise(days)
        if after - before > 1
    )
