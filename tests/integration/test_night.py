"""Nights that are repeated, killed, corrected or refused, with real PostgreSQL, Spark and Redis."""

from collections.abc import Iterator
from dataclasses import fields
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import redis

from features_pkg.entity_keys import EntityKeys
from jobs.errors import DayNotOver
from jobs.extract.errors import EventsDamaged
from jobs.extract.run import extract
from jobs.snapshot.errors import NoOrders, SnapshotOutdated, TooFarBack
from jobs.snapshot.night import snapshot
from jobs.snapshot.withdraw import unpublish
from jobs.watermark import wait_for_rows
from stores.offline.errors import FileDamaged
from stores.offline.tables import open_store
from stores.postgres.loads import NewLoad, loads_of, register_load
from stores.redis.connection import RedisUnavailable
from stores.redis.errors import LoadTooOld
from stores.redis.load_list import LoadList
from stores.redis.published import read_published
from tests.integration.history import History, a_job
from tests.online import write_load

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
from tests.integration.night_shop import CUTOFF, HOUR, JUNE, NightShop


@pytest.fixture
def shop(
    database_url: str, redis_url: str, storage_url: str, spark: "SparkSession"
) -> Iterator[NightShop]:
    with redis.Redis.from_url(redis_url) as client:
        history = History(database_url)
        yield NightShop(history, a_job(database_url, redis_url, storage_url, spark), client)


def test_the_same_night_again_does_nothing(shop: NightShop) -> None:
    shop.history.order(CUTOFF - HOUR, card="c1")
    first, again = shop.night(), shop.night()

    assert not first.was_published
    assert again.was_published
    assert again.load.load_id == first.load.load_id


def test_a_published_day_whose_orders_changed_names_the_remedy(shop: NightShop) -> None:
    shop.history.order(CUTOFF - HOUR, card="c1")
    shop.night()
    shop.history.order(CUTOFF - 2 * HOUR, card="c1")

    with pytest.raises(SnapshotOutdated, match=f"ontem night --as-of {JUNE}"):
        shop.night()
    unpublish(shop.job)
    shop.night()
    assert shop.orders("c1") == 2


def test_an_older_day_whose_orders_changed_is_mended_by_the_remedy_that_is_named(
    shop: NightShop,
) -> None:
    shop.history.order(CUTOFF - HOUR, card="c1")
    shop.night()
    shop.night(JUNE + timedelta(days=1))
    shop.history.order(CUTOFF - 2 * HOUR, card="c1")

    with pytest.raises(SnapshotOutdated, match="`ontem unpublish` 2 times"):
        shop.night()
    unpublish(shop.job)
    unpublish(shop.job)
    shop.night()
    shop.night(JUNE + timedelta(days=1))
    assert shop.orders("c1") == 2


def test_of_three_days_the_oldest_is_mended_by_the_remedy_that_is_named(shop: NightShop) -> None:
    three_nights(shop)
    shop.history.order(CUTOFF - 2 * HOUR, card="c1")

    with pytest.raises(SnapshotOutdated, match="`ontem unpublish` 3 times"):
        shop.night()
    for _ in range(3):
        unpublish(shop.job)
    for days in range(3):
        shop.night(JUNE + timedelta(days=days))
    assert shop.orders("c1") == 2


def test_a_day_that_redis_can_not_go_back_to_is_left_to_the_next_night(shop: NightShop) -> None:
    three_nights(shop)
    begin_a_night_that_fails(shop)
    shop.history.order(CUTOFF - 2 * HOUR, card="c1")
    before = published_ids(shop)

    with pytest.raises(SnapshotOutdated, match=r"next night has.*no longer keeps") as refused:
        shop.night()
    assert refused.value.withdrawals is None
    assert "unpublish" not in str(refused.value)
    with pytest.raises(SnapshotOutdated, match=r"run `ontem unpublish`, then"):
        shop.night(JUNE + timedelta(days=2))
    assert published_ids(shop) == before

    unpublish(shop.job)  # as the newest day's remedy says
    with pytest.raises(TooFarBack):
        unpublish(shop.job)
    shop.night(JUNE + timedelta(days=2))
    assert shop.orders("c1") == 2


def test_what_is_imported_into_the_past_is_in_the_next_night(shop: NightShop) -> None:
    shop.history.order(CUTOFF - HOUR, card="c1")
    shop.night()
    shop.history.order(CUTOFF - timedelta(days=20), card="c1")
    shop.night(JUNE + timedelta(days=1))

    assert shop.orders("c1") == 2


def test_the_next_night_writes_only_who_did_something(shop: NightShop) -> None:
    shop.history.order(CUTOFF - HOUR, card="idle")
    shop.night()
    shop.history.order(CUTOFF + HOUR, card="busy")
    night = shop.night(JUNE + timedelta(days=1))

    # The new card alone: the merchant is known by its first order, which did not change.
    assert night.load.entities == 3
    assert night.written == 1


def three_nights(shop: NightShop) -> None:
    """Three days that are published, of which Redis keeps all versions."""
    shop.history.order(CUTOFF - HOUR, card="c1")
    for days in range(3):
        shop.night(JUNE + timedelta(days=days))


def begin_a_night_that_fails(shop: NightShop) -> None:
    """A load of the next day that is never published, as where Redis has no room."""
    with shop.history.connect() as connection:
        newest = loads_of(connection, shop.timelines)[-1]
        values = {f.name: getattr(newest, f.name) for f in fields(NewLoad)}
        register_load(connection, NewLoad(**values | {"as_of": newest.as_of + timedelta(days=1)}))


def published_ids(shop: NightShop) -> frozenset[int]:
    return read_published(shop.client, shop.job.namespace).ids


def die_before_the_list(shop: NightShop) -> int:
    """Undo the end of a night, so that it stands as if it had died after some writes."""
    with shop.history.connect() as connection:
        (row,) = loads_of(connection, shop.timelines)
        connection.execute("UPDATE loads SET published_at = NULL")
    for key in shop.client.keys("*loads"):
        shop.client.delete(key)
    return row.load_id


def test_a_night_that_died_before_the_list_is_finished_as_the_same_load(shop: NightShop) -> None:
    shop.history.order(CUTOFF - HOUR, card="c1")
    revision = shop.night().load.revision
    load_id = die_before_the_list(shop)

    night = shop.night()
    assert (night.load.load_id, night.load.revision) == (load_id, revision)
    assert shop.orders("c1") == 1


def test_a_dead_night_whose_orders_changed_becomes_another_load(shop: NightShop) -> None:
    shop.history.order(CUTOFF - HOUR, card="c1")
    revision = shop.night().load.revision
    load_id = die_before_the_list(shop)
    shop.history.order(CUTOFF - 2 * HOUR, card="c1")

    night = shop.night()
    assert night.load.load_id > load_id
    assert night.load.revision != revision
    assert shop.orders("c1") == 2
    with shop.history.connect() as connection:
        assert loads_of(connection, shop.timelines)[0].withdrawn_at is not None


def damage(folder: Path) -> None:
    """Change the last byte of each file."""
    for path in folder.rglob("*.parquet"):
        path.write_bytes(path.read_bytes()[:-1] + b"x")


def test_damaged_events_are_refused_until_they_are_extracted_again(
    shop: NightShop, storage_folder: Path
) -> None:
    shop.history.order(CUTOFF - HOUR, card="c1")
    extracted(shop)
    damage(storage_folder / "runs" / "events")
    with pytest.raises(EventsDamaged, match="ontem extract --full"):
        shop.night()

    extracted(shop, full=True)
    shop.night()
    assert shop.orders("c1") == 1


def extracted(shop: NightShop, *, full: bool = False) -> None:
    """Extract what is new, or everything."""
    store = open_store(shop.job.settings)
    with shop.job.connect() as connection:
        extract(shop.job, connection, store, wait_for_rows(connection, say=shop.job.say), full=full)


def test_a_night_after_one_whose_snapshot_was_refused_builds_another(
    shop: NightShop, storage_folder: Path
) -> None:
    shop.history.order(CUTOFF - HOUR, card="c1")
    refused = shop.night().load
    die_before_the_list(shop)
    damage(storage_folder / "runs" / "snapshots")
    with pytest.raises(FileDamaged):
        shop.night()

    night, again = shop.night(), shop.night()

    assert night.load.load_id > refused.load_id
    assert night.load.revision != refused.revision
    assert again.was_published
    assert shop.orders("c1") == 1


def test_a_snapshot_that_was_withdrawn_is_built_anew(shop: NightShop) -> None:
    shop.history.order(CUTOFF - HOUR, card="c1")
    first = shop.night()
    unpublish(shop.job)
    second = shop.night()

    assert second.load.load_id > first.load.load_id
    assert second.load.revision != first.load.revision


def test_values_that_a_withdrawn_load_left_never_show(shop: NightShop) -> None:
    shop.history.order(CUTOFF - HOUR, card="c1")
    shop.night()
    keys = EntityKeys(shop.job.settings.entity_secret, shop.timelines)
    key = keys.key(shop.history.merchant_id, "card", "never")
    (load,) = read_published(shop.client, shop.job.namespace).load_list.loads
    write_load(shop.client, shop.job.namespace, load, {key: b"bad"}, load_list=LoadList())
    unpublish(shop.job)
    shop.night()

    assert shop.timeline("card", "never") is None


def test_a_day_before_the_published_one_is_refused(shop: NightShop) -> None:
    shop.history.order(CUTOFF - HOUR, card="c1")
    shop.night()

    with pytest.raises(LoadTooOld, match=r"as of 2018-05-31 .*--backfill 2018-05-31 2018-05-31`"):
        shop.night(JUNE - timedelta(days=1))


def test_a_day_that_has_not_begun_is_refused_before_anything_is_built(shop: NightShop) -> None:
    with pytest.raises(DayNotOver, match="possible from"):
        shop.night(date(2999, 1, 1))


def test_a_night_without_any_order_is_refused_before_spark_starts(
    database_url: str, redis_url: str, storage_url: str
) -> None:
    history = History(database_url)
    history.order(CUTOFF)

    with pytest.raises(NoOrders, match=r"no order before 2018-06-01.*ontem import"):
        snapshot(a_job(database_url, redis_url, storage_url), JUNE)
    with history.connect() as connection:
        assert connection.execute("SELECT 1 FROM loads").fetchall() == []


def test_each_night_removes_the_idempotency_keys_whose_day_is_over(
    database_url: str, redis_url: str, storage_url: str
) -> None:
    history = History(database_url)
    history.order(CUTOFF)
    with history.connect() as connection:
        connection.execute(
            "INSERT INTO idempotency_keys (merchant_id, idempotency_key, body_hash, recorded_at)"
            " SELECT 1, hours, sha256(''), ontem_clock() - hours::interval"
            " FROM unnest(ARRAY['24:00', '23:59']) AS hours"
        )
        connection.commit()
        with pytest.raises(NoOrders):
            snapshot(a_job(database_url, redis_url, storage_url), JUNE)
        keys = connection.execute("SELECT idempotency_key FROM idempotency_keys").fetchall()

    assert keys == [("23:59",)]


def test_a_redis_that_is_not_there_is_named_before_spark_starts(
    database_url: str, storage_url: str
) -> None:
    job = a_job(database_url, "redis://:secret@127.0.0.1:1/0", storage_url)

    with pytest.raises(RedisUnavailable, match=r"127\.0\.0\.1:1") as refused:
        snapshot(job, JUNE)
    assert "secret" not in str(refused.value)


def test_a_night_after_redis_lost_its_data_brings_back_the_load_that_is_due(
    shop: NightShop,
) -> None:
    shop.history.order(CUTOFF - HOUR, card="c1")
    first = shop.night()
    shop.client.flushdb()
    shop.history.order(CUTOFF + HOUR, card="c1")
    second = shop.night(JUNE + timedelta(days=1))

    loads = read_published(shop.client, shop.job.namespace).load_list.loads
    assert [load.load_id for load in loads] == [first.load.load_id, second.load.load_id]
