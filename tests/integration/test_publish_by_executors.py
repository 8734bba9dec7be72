"""A load that other processes or Spark's workers write: bytes and refusals as by the job alone."""

from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import redis

import jobs.snapshot.publish
from jobs.job import one_spark
from jobs.snapshot import spread
from jobs.snapshot.errors import PublishWorkersLost, SnapshotDamaged
from stores.offline.errors import FileDamaged
from stores.postgres.loads import LoadRow
from stores.redis.errors import LoadFenced, ReadBackDiffers
from stores.redis.fence import take_over_fence
from tests.integration.history import a_job
from tests.integration.publishing_shop import MAY, PublishingShop, days
from tests.online import bucket_key

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

BEFORE = {f"c{n}": b"t%d" % n for n in range(500)}
AFTER = {name: content + b"+" * (n % 2) for n, (name, content) in enumerate(BEFORE.items())}


@pytest.fixture(params=["processes", "spark"])
def spread_shop(
    request: pytest.FixtureRequest,
    database_url: str,
    redis_url: str,
    storage_url: str,
    storage_folder: Path,
    spark: "SparkSession",
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[PublishingShop]:
    """A shop in which no load is so small that the job writes it alone."""
    monkeypatch.setattr(spread, "FEW_ROWS", 0)
    if request.param == "spark":
        monkeypatch.setattr(spread, "SOME_ROWS", 0)
    job = a_job(database_url, redis_url, storage_url, spark)
    with redis.Redis.from_url(redis_url) as client:
        yield PublishingShop(job, client, storage_folder)


def second_load(shop: PublishingShop) -> LoadRow:
    shop.night(MAY, **BEFORE)
    return shop.register(shop.committed(days(1), AFTER))


def test_workers_write_the_bytes_that_the_job_writes_alone(
    spread_shop: PublishingShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = second_load(spread_shop)
    saved = {key: spread_shop.client.dump(key) for key in spread_shop.client.keys("*")}
    assert spread_shop.publish(row) == 250
    by_workers = spread_shop.contents()

    spread_shop.client.flushdb()
    for key, content in saved.items():
        spread_shop.client.restore(key, 0, content)
    monkeypatch.setattr(spread, "FEW_ROWS", len(AFTER))
    assert spread_shop.publish(row) == 250
    assert spread_shop.contents() == by_workers


def test_a_run_that_was_overtaken_is_told_so_by_a_worker(
    spread_shop: PublishingShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = second_load(spread_shop)
    write = jobs.snapshot.publish.spread

    def overtaken(*given: object) -> object:
        take_over_fence(spread_shop.client, spread_shop.namespace, row.load_id)
        return write(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(jobs.snapshot.publish, "spread", overtaken)
    before = spread_shop.contents()

    with pytest.raises(LoadFenced, match=f"load {row.load_id} was overtaken"):
        spread_shop.publish(row)
    assert spread_shop.contents() == before


def test_a_file_that_is_damaged_is_found_by_a_worker(spread_shop: PublishingShop) -> None:
    row = second_load(spread_shop)
    (path,) = (spread_shop.root / "runs" / "snapshots" / "r2").glob("*.parquet")
    path.write_bytes(path.read_bytes()[:-1] + b"x")

    with pytest.raises(FileDamaged, match="sha256"):
        spread_shop.publish(row)
    assert spread_shop.loads()[-1].withdrawn_at is not None


def test_rows_that_are_not_all_there_are_refused_after_all(
    spread_shop: PublishingShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = second_load(spread_shop)
    first, *_ = spread_shop.listed()
    monkeypatch.setattr(
        jobs.snapshot.publish, "place_ranges", lambda buckets, _: [(0, 60 * buckets)]
    )

    with pytest.raises(SnapshotDamaged, match=r"rows of \d+ entities, not of 500"):
        spread_shop.publish(row)
    assert spread_shop.listed() == [first]


def test_what_is_read_back_otherwise_keeps_the_list_as_it_was(
    shop: PublishingShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = shop.night(MAY, **BEFORE)
    row = shop.register(shop.committed(days(1), AFTER))
    key = bucket_key(shop.namespace, shop.key("c1"), 1)
    write = jobs.snapshot.range_writer.BucketWriter._write_batch

    def lost(writer: object, group: int, keys: list[bytes], contents: list[object]) -> None:
        write(writer, group, keys, contents)  # type: ignore[arg-type]
        if key in keys:
            shop.client.delete(key)

    monkeypatch.setattr(jobs.snapshot.range_writer.BucketWriter, "_write_batch", lost)
    with pytest.raises(ReadBackDiffers, match=r"the bucket is not there.*run the same command"):
        shop.publish(row)
    assert shop.listed() == [first.load_id]

    monkeypatch.undo()
    shop.publish(row)
    assert shop.listed() == [first.load_id, row.load_id]
    assert shop.sees("c1", row.load_id) == AFTER["c1"]


def test_a_process_that_is_ended_from_outside_is_a_sentence(
    spread_shop: PublishingShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(*_work: object, **_options: object) -> object:
        raise BrokenProcessPool

    row = second_load(spread_shop)
    first, *_ = spread_shop.listed()
    monkeypatch.setattr(spread, "SOME_ROWS", 10**6)
    monkeypatch.setattr(spread, "map_in_order", ended)

    with pytest.raises(PublishWorkersLost, match="free some, then run the command again"):
        spread_shop.publish(row)
    assert spread_shop.listed() == [first]


def test_one_session_is_for_all_that_a_job_does(spread_shop: PublishingShop) -> None:
    with one_spark(spread_shop.job) as job:
        with job.spark("first") as first:
            pass
        with job.spark("second") as second:
            assert first is second
