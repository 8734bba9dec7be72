"""What the benchmarks of nights import, watch and read from other programs."""

import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from benchmarks.new_entities import NewEntities
from benchmarks.night_world import ALL_DAYS, FEW_DAYS, QUIET_DAYS, NightWorld, write_files
from benchmarks.online_store import END, FEATURES, KEYS, order_rows
from benchmarks.peers.counted import check_counts
from benchmarks.publishing import rate_of
from benchmarks.warm_stack import ImportedStack
from benchmarks.watched import WatchedRun
from features_pkg import shuffle
from features_pkg.calendar import Calendar
from features_pkg.identifiers import Event
from features_pkg.timelines.read import decode
from ontem.generating import generate
from ontem.stack import LocalStack
from stores.postgres.runs import RunRow
from tests.peak_memory import peak_memory

FIRST = date(2026, 3, 1)
STAGES = {
    "extract what is new": 5.0,
    "start Spark": 3.0,
    "build the snapshot": 30.0,
    "sort it": 2.0,
    "check the snapshot": 0.5,
    "write to Redis": 2.5,
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pa.Table]:
    """The files of a world of two thousand orders before its first night, by their names."""
    folder = tmp_path_factory.mktemp("world")
    midnight = datetime(2026, 3, 1, 3, tzinfo=UTC)
    days = [timedelta(days=number) for number in range(ALL_DAYS + 1)]
    world = NightWorld(
        stack=ImportedStack(folder, {}, pa.table({})),
        local=LocalStack(folder),
        orders=2_000,
        first_day=FIRST,
        cutoffs={FIRST + day: midnight + day for day in days},
    )
    table = generate(2_400, 60 + ALL_DAYS, 1, midnight + days[-1])
    write_files(table, world)
    return {path.stem: pq.read_table(path) for path in folder.glob("*.parquet")}


def test_each_order_comes_with_the_days_it_lies_in_and_none_on_the_quiet_day(
    files: dict[str, pa.Table],
) -> None:
    midnight = datetime(2026, 3, 1, 3, tzinfo=UTC)
    ends = [timedelta(days=n) for n in (FEW_DAYS, FEW_DAYS + QUIET_DAYS, ALL_DAYS)]

    assert files["history"].num_rows == 2_000
    assert max(files["history"]["event_at"].to_pylist()) < midnight
    assert all(midnight <= at < midnight + ends[0] for at in files["few"]["event_at"].to_pylist())
    more = files["more"]["event_at"].to_pylist()
    assert more
    assert all(midnight + ends[1] <= at < midnight + ends[2] for at in more)


def test_each_chargeback_comes_once_and_with_the_days_it_lies_in(
    files: dict[str, pa.Table],
) -> None:
    midnight = datetime(2026, 3, 1, 3, tzinfo=UTC)
    known = [at for at in files["history"]["chargeback_at"].to_pylist() if at is not None]
    later = files["few-back"], files["more-back"]

    assert known
    assert max(known) < midnight
    assert all(at >= midnight for table in later for at in table["chargeback_at"].to_pylist())
    ids = [order_id for table in later for order_id in table["order_id"].to_pylist()]
    assert ids
    assert len(ids) == len(set(ids))
    for name in ("few", "more"):
        assert files[name]["chargeback_at"].null_count == files[name].num_rows


@pytest.mark.parametrize(("written", "agrees"), [(9, False), (10, True), (12, True), (11, False)])
def test_written_are_the_entities_with_or_without_the_merchants(
    *, written: int, agrees: bool
) -> None:
    assert NewEntities(10, 2).agree(written) is agrees


def test_the_seconds_of_building_end_where_publishing_begins() -> None:
    run = WatchedRun(_row(STAGES))

    assert run.seconds == 43.0
    assert run.between("start Spark", "check", "Redis") == 32.0
    assert run.between("start Spark") == 35.0
    assert run.of("Redis") == 2.5
    assert WatchedRun(_row({"extract": 1.0})).between("start Spark") == 0


def test_a_process_has_a_peak_of_memory() -> None:
    assert peak_memory(os.getpid()) > 10 * 2**20


@pytest.mark.parametrize(
    "table",
    [
        '"test","rps","avg_latency_ms"\n"SET","123456.79","0.5"\n',
        "WARNING: could not fetch server CONFIG\n" + '"SET","123456.79","0.5"\n',
    ],
)
def test_the_rate_of_redis_benchmark_is_that_of_its_row(table: str) -> None:
    assert rate_of(table) == 123456.79


@pytest.mark.parametrize("wrong", [None, "greater counts", "lower counts", "an entity"])
def test_a_job_with_other_counts_or_entities_is_refused(tmp_path: Path, wrong: str | None) -> None:
    keyed = shuffle.with_entity_keys(order_rows(40), KEYS)
    rows = shuffle.explode(keyed, FEATURES.timeline_targets)
    snapshot = shuffle.snapshot_timelines(rows, FEATURES, Calendar(FEATURES.timezone))
    pq.write_table(snapshot, tmp_path / "snapshot.parquet")
    day = END.toordinal()
    counted = [
        _counts(
            entity, timeline, day, {"greater counts": 1, "lower counts": -1}.get(wrong or "", 0)
        )
        for entity, timeline in zip(
            snapshot["entity"].to_pylist(), snapshot["timeline"].to_pylist(), strict=True
        )
    ]
    counted = counted[1:] if wrong == "an entity" else counted
    pq.write_table(pa.Table.from_pylist(counted), tmp_path / "counted.parquet")
    job = ds.dataset(tmp_path / "counted.parquet")
    if wrong is None:
        check_counts(job, [str(tmp_path / "snapshot.parquet")], day)
    else:
        with pytest.raises(AssertionError, match="entities" if wrong == "an entity" else "counts"):
            check_counts(job, [str(tmp_path / "snapshot.parquet")], day)


def _counts(entity: bytes, timeline: bytes, day: int, more: int) -> dict[str, Any]:
    counts: dict[str, Any] = {"entity": entity}
    for event, windows in (
        (Event.ORDER, {"1d": 1, "7d": 7, "30d": 30, "90d": 90, "ever": None}),
        (Event.CHARGEBACK, {"30d": 30, "ever": None}),
    ):
        of_event = decode(timeline).of(event)
        for name, days in windows.items():
            count = of_event.count(day, days) if of_event else 0
            counts[f"{event.plural}_{name}"] = count + more
    return counts


def _row(seconds: dict[str, float]) -> RunRow:
    values: dict[str, Any] = dict.fromkeys(RunRow.__dataclass_fields__)
    return RunRow(**values | {"seconds": seconds})
