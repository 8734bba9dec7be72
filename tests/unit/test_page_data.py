"""Figures that are read from the files of a training set, batch after batch."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.train.feature_batches import FeatureFiles
from jobs.train.orders import LabelledOrders
from jobs.train.page.extent import MOST_SPANS, extent_of
from jobs.train.page.figures import Extent
from jobs.train.page.sampled_rows import SAMPLED, SampledRows
from jobs.train.page.telling import telling_features
from jobs.training_set.facts import LabelCounts, TrainingSetFacts
from stores.offline.files import Files
from stores.offline.runs import DataFile, describe_files
from tests.offline import a_store

FIRST = 17_600
"""A day, counted from 1970 on: 2018-03-10."""


def some_orders(labels: np.ndarray, days: np.ndarray | None = None) -> LabelledOrders:
    numbers = np.arange(len(labels), dtype=np.int64)
    days = numbers * 0 + FIRST if days is None else days
    return LabelledOrders(numbers, numbers, labels, numbers, numbers, days, numbers)


def a_set(tmp_path: Path, **columns: pa.Array) -> tuple[Files, list[DataFile]]:
    """The files of a training set with these columns, two of them."""
    files, table = a_store(tmp_path).files, pa.table(columns)
    half = table.num_rows // 2
    for number, part in enumerate((table.slice(0, half), table.slice(half))):
        sink = pa.BufferOutputStream()
        pq.write_table(part, sink)
        files.write(f"a/part-{number}.parquet", sink.getvalue().to_pybytes())
    return files, describe_files(files, "a")


def extent(tmp_path: Path, days: np.ndarray, labels: list[int | None], length: int) -> Extent:
    files, described = a_set(
        tmp_path,
        asked_day=pa.array(days.astype(np.int32), pa.date32()),
        label=pa.array(labels, pa.int8()),
    )
    first = date(1970, 1, 1) + timedelta(days=FIRST)
    facts = TrainingSetFacts(
        first_day=first, end_day=first + timedelta(days=length),
        labels_as_of=datetime(2018, 6, 1, tzinfo=UTC), label_maturity_days=7.0, timezone="UTC",
        snapshot_lag_seconds=0.0, feature_set="", timelines="", features=(),
        cutoff=datetime(2018, 6, 1, tzinfo=UTC), watermark_key=1, generation=1, orders=len(days),
        live=0, stale_left_out=0, stale_included=False, labels=LabelCounts(1, 2, 3, 4),
    )  # fmt: skip
    return extent_of(files, described, facts)


def test_the_extent_has_each_day_s_orders_and_the_days_without(tmp_path: Path) -> None:
    found = extent(tmp_path, FIRST + np.array([1, 5, 1, 4]), [1, None, 0, 0], length=8)

    assert [(span.orders, span.labelled) for span in found.spans] == [
        (0, 0), (2, 2), (0, 0), (0, 0), (1, 1), (1, 0), (0, 0), (0, 0),
    ]  # fmt: skip
    day = date(2018, 3, 10)
    assert found.gaps == tuple(
        (day + timedelta(days=start), day + timedelta(days=end))
        for start, end in ((0, 0), (2, 3), (6, 7))
    )
    assert (found.days, found.empty_days, found.orders) == (8, 5, 4)
    assert (found.too_young, found.charged_back_late) == (3, 4)


def test_thousands_of_days_are_as_many_spans_as_can_be_seen(tmp_path: Path) -> None:
    found = extent(tmp_path, FIRST + np.arange(0, 5000, 2), [0] * 2500, length=5000)

    assert len(found.spans) <= MOST_SPANS
    assert sum(span.orders for span in found.spans) == 2500
    assert found.spans[0].first_day == found.first_day
    assert found.spans[-1].last_day == found.last_day
    assert len(found.gaps) == 2500


@pytest.mark.parametrize("charged_back", [0, 7, 6_000])
def test_sampled_rows_are_kept_from_batches_in_any_order(charged_back: int) -> None:
    orders = some_orders(np.arange(6_000) < charged_back)
    values = np.column_stack([np.arange(6_000.0), np.arange(6_000.0) * 2])
    order = np.random.default_rng(1).permutation(6_000)
    batches = [(part, values[part]) for part in np.array_split(order, 7)]

    sampled = SampledRows.of(orders, 2, seed=1)
    passed = list(sampled.filled_by(iter(batches)))

    assert [len(positions) for positions, _ in passed] == [len(part) for part, _ in batches]
    assert np.array_equal(sampled.values[:, 0], sampled.positions)
    assert np.array_equal(sampled.values[:, 1], sampled.positions * 2)
    of_outcomes = [min(6_000 - charged_back, SAMPLED), min(charged_back, SAMPLED)]
    assert len(set(sampled.positions.tolist())) == sum(of_outcomes)


def test_the_values_of_telling_features_are_counted_over_the_whole_hold_out(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    labels = random.random(9_000) < 0.3
    tells = random.integers(0, 20, 9_000) + 20.0 * labels
    tells = 1.2345 * tells + 1000
    tells[random.random(9_000) < 0.1] = np.nan
    files, described = a_set(
        tmp_path, dull=pa.array(np.zeros(9_000)), tells=pa.array(tells, from_pandas=True)
    )
    orders, columns = some_orders(labels), FeatureFiles(files, described, ("dull", "tells"))
    sampled = SampledRows.of(orders, 2, seed=1)
    list(sampled.filled_by(columns.batches(orders.rows)))

    (found,) = telling_features(columns, sampled, orders, np.array([0.0, 0.7]))
    bins = found.bins
    assert (found.name, found.moves) == ("tells", 0.7)
    edges = [-np.inf, *bins.bounds, np.inf]
    for outcome, counts in ((False, bins.honest), (True, bins.charged_back)):
        of_outcome = tells[labels == outcome]
        assert list(counts) == [
            int(((of_outcome >= low) & (of_outcome < high)).sum()) for low, high in pairwise(edges)
        ]
        assert bins.nulls[outcome] == int(np.isnan(of_outcome).sum())
    assert len(bins.bounds) >= 3
    assert [round(bound) for bound in bins.bounds] == list(bins.bounds)
