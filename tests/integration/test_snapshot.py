"""The night with real PostgreSQL, Spark and Redis: what requests see of it is what happened."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import redis

from features_pkg.calendar import Calendar
from features_pkg.entity_keys import EntityKeys
from features_pkg.identifiers import MERCHANT, Event
from features_pkg.timelines.read import EventTimeline, decode
from jobs.errors import DayNotOver
from jobs.job import Job
from jobs.snapshot.errors import NoOrders, SnapshotOutdated
from jobs.snapshot.facts import SnapshotFacts, snapshot_slot
from jobs.snapshot.night import SnapshotResult, snapshot
from jobs.snapshot.withdraw import unpublish
from stores.files.manifest import read_manifest, verify_files
from stores.files.store import open_store
from stores.postgres.loads import loads_of, mark_withdrawn
from stores.redis.connection import RedisUnavailable
from stores.redis.errors import LoadTooOld
from stores.redis.keys import value_key
from stores.redis.publish import Fence, read_published, take_fence, write_versions
from stores.redis.values import read_version
from tests.integration.history import History, a_job

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

JUNE = date(2018, 6, 1)
CUTOFF = datetime(2018, 6, 1, 3, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Shop:
    """A past, a job to run its nights, and what a request reads afterwards."""

    def __init__(self, history: History, job: Job, client: "redis.Redis") -> None:
        self.history, self.job, self.client = history, job, client
        self.timelines = job.feature_set.timelines_id

    def night(self, as_of: date = JUNE) -> SnapshotResult:
        return snapshot(self.job, as_of)

    def line(self, identifier: str, value: str, event: Event = Event.ORDER) -> EventTimeline | None:
        """What the newest load says of an entity."""
        loads = read_published(self.client, self.timelines)
        keys = EntityKeys(self.job.settings.entity_key, self.timelines)
        key = keys.key(self.history.merchant_id, identifier, value)
        value_of = self.client.get(value_key(self.timelines, key))
        content = read_version(value_of, key, loads.loads[-1].load_id, loads.ids)  # type: ignore[arg-type]
        return None if content is None else decode(content).of(event)

    def orders(self, card: str, days: int | None = None) -> int:
        line = self.line("card", card)
        return 0 if line is None else line.count(JUNE.toordinal(), days)


@pytest.fixture
def shop(
    database_url: str, redis_url: str, storage_url: str, spark: "SparkSession"
) -> Iterator[Shop]:
    with redis.Redis.from_url(redis_url) as client:
        history = History(database_url)
        yield Shop(history, a_job(database_url, redis_url, storage_url, spark), client)


def test_orders_up_to_the_cut_off_count_and_not_the_one_at_it(shop: Shop) -> None:
    shop.history.order(CUTOFF - timedelta(microseconds=1), card="c1", amount_cents=70)
    shop.history.order(CUTOFF, card="c1", amount_cents=5000)
    shop.history.order(CUTOFF - timedelta(days=40), card="c1", amount_cents=8)
    shop.night()

    line = shop.line("card", "c1")
    assert line is not None
    assert line.count(JUNE.toordinal(), None) == 2
    assert line.count(JUNE.toordinal(), 1) == 1
    assert line.amount_cents(JUNE.toordinal(), 30) == 70


def test_every_identifier_and_the_merchant_itself_get_a_timeline(shop: Shop) -> None:
    values = {
        "user": "u", "document": "d", "email": "e@x.br", "phone": "+5511", "zip_code": "01001000",
        "device": "v", "ip": "10.0.0.1", "card": "c", "product": ["p", "q"],
    }  # fmt: skip
    shop.history.order(CUTOFF - HOUR, **values)
    night = shop.night()

    assert night.load.entities == 11
    for identifier, value in {**values, "product": "q", MERCHANT: ""}.items():
        line = shop.line(identifier, str(value))
        assert line is not None, identifier
        assert line.first_us == int((CUTOFF - HOUR).timestamp()) * 1_000_000


def test_a_chargeback_counts_from_when_it_was_told(shop: Shop) -> None:
    told = shop.history.order(CUTOFF - timedelta(days=9), card="told")
    late = shop.history.order(CUTOFF - timedelta(days=9), card="late")
    shop.history.chargeback(told, CUTOFF - HOUR)
    shop.history.chargeback(told, CUTOFF - 2 * HOUR)
    shop.history.chargeback(late, CUTOFF)
    shop.night()

    line = shop.line("card", "told", Event.CHARGEBACK)
    assert line is not None
    assert line.count(JUNE.toordinal(), None) == 1
    assert line.first_us == int((CUTOFF - 2 * HOUR).timestamp()) * 1_000_000
    assert shop.line("card", "late", Event.CHARGEBACK) is None


def test_different_values_are_counted(shop: Shop) -> None:
    for phone in ("+551", "+552", "+551", None):
        shop.history.order(CUTOFF - HOUR, document="d1", phone=phone)
    shop.night()

    line = shop.line("document", "d1")
    assert line is not None
    features = shop.job.feature_set
    place = next(
        targets.index(target)
        for (identifier, event), targets in features.timeline_targets.items()
        if (identifier, event) == ("document", "order")
        for target in targets
        if target == "phone"
    )
    assert line.distinct(place, JUNE.toordinal(), None) == 2


def test_another_merchants_orders_do_not_count(shop: Shop) -> None:
    with shop.history.connect() as connection:
        connection.execute("INSERT INTO merchants (name) VALUES ('outra')")
    shop.history.order(CUTOFF - HOUR, card="c1")
    shop.history.order(CUTOFF - HOUR, card="c1", merchant_id=shop.history.merchant_id + 1)
    shop.night()

    assert shop.orders("c1") == 1


def test_the_manifest_says_what_the_snapshot_is(shop: Shop) -> None:
    shop.history.order(CUTOFF - HOUR, card="c1")
    night = shop.night()

    store = open_store(shop.job.settings.storage_url)
    manifest = read_manifest(store, night.load.revision, SnapshotFacts)
    verify_files(store, manifest.files)
    assert night.load.revision == snapshot_slot(shop.timelines, JUNE).key(1)
    assert (manifest.facts.as_of, manifest.facts.cutoff) == (JUNE, CUTOFF)
    assert manifest.rows == night.load.entities == 2
    assert manifest.provenance.libraries["pyspark"].startswith("4.")


def test_no_value_is_in_parquet(shop: Shop, storage_url: str) -> None:
    shop.history.order(CUTOFF - HOUR, document="39053344705", card="4111111111111111")
    shop.night()

    files = list(Path(storage_url.removeprefix("file://")).rglob("*.parquet"))
    assert files
    for path in files:
        assert b"39053344705" not in path.read_bytes()
        assert b"4111111111111111" not in path.read_bytes()


def test_the_same_night_again_does_nothing(shop: Shop) -> None:
    shop.history.order(CUTOFF - HOUR, card="c1")
    first, again = shop.night(), shop.night()

    assert not first.was_published
    assert again.was_published
    assert again.load.load_id == first.load.load_id


def test_a_published_day_whose_orders_changed_names_the_remedy(shop: Shop) -> None:
    shop.history.order(CUTOFF - HOUR, card="c1")
    shop.night()
    shop.history.order(CUTOFF - 2 * HOUR, card="c1")

    with pytest.raises(SnapshotOutdated, match="ontem unpublish"):
        shop.night()
    unpublish(shop.job)
    shop.night()
    assert shop.orders("c1") == 2


def test_what_is_imported_into_the_past_is_in_the_next_night(shop: Shop) -> None:
    shop.history.order(CUTOFF - HOUR, card="c1")
    shop.night()
    shop.history.order(CUTOFF - timedelta(days=20), card="c1")
    shop.night(JUNE + timedelta(days=1))

    assert shop.orders("c1") == 2


def test_the_next_night_writes_only_who_did_something(shop: Shop) -> None:
    shop.history.order(CUTOFF - HOUR, card="idle")
    shop.night()
    shop.history.order(CUTOFF + HOUR, card="busy")
    night = shop.night(JUNE + timedelta(days=1))

    # The new card alone: the merchant is known by its first order, which did not change.
    assert night.load.entities == 3
    assert night.written == 1


def die_before_the_list(shop: Shop) -> int:
    """Undo the end of a night, so that it stands as if it had died after some writes."""
    with shop.history.connect() as connection:
        (row,) = loads_of(connection, shop.timelines)
        connection.execute("UPDATE loads SET published_at = NULL")
    for key in shop.client.keys("*:loads"):
        shop.client.delete(key)
    return row.load_id


def test_a_night_that_died_before_the_list_is_finished_as_the_same_load(shop: Shop) -> None:
    shop.history.order(CUTOFF - HOUR, card="c1")
    revision = shop.night().load.revision
    load_id = die_before_the_list(shop)

    night = shop.night()
    assert (night.load.load_id, night.load.revision) == (load_id, revision)
    assert shop.orders("c1") == 1


def test_a_dead_night_whose_orders_changed_becomes_another_load(shop: Shop) -> None:
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


def test_a_snapshot_that_was_withdrawn_is_built_anew(shop: Shop) -> None:
    shop.history.order(CUTOFF - HOUR, card="c1")
    first = shop.night()
    unpublish(shop.job)
    second = shop.night()

    assert second.load.load_id > first.load.load_id
    assert second.load.revision != first.load.revision


def test_values_that_a_withdrawn_load_left_never_show(shop: Shop) -> None:
    shop.history.order(CUTOFF - HOUR, card="c1")
    bad = shop.night()
    keys = EntityKeys(shop.job.settings.entity_key, shop.timelines)
    key = keys.key(shop.history.merchant_id, "card", "never")
    fence = Fence.fresh(bad.load.load_id)
    take_fence(shop.client, shop.timelines, fence)
    write_versions(shop.client, shop.timelines, fence, [(key, b"bad")], frozenset())
    with shop.history.connect() as connection:
        mark_withdrawn(connection, bad.load.load_id)
    unpublish(shop.job)
    shop.night()

    assert shop.line("card", "never") is None


def test_a_day_before_the_published_one_is_refused(shop: Shop) -> None:
    shop.history.order(CUTOFF - HOUR, card="c1")
    shop.night()

    with pytest.raises(LoadTooOld, match="2018-05-31"):
        shop.night(JUNE - timedelta(days=1))


def test_a_day_that_has_not_begun_is_refused_before_anything_is_built(shop: Shop) -> None:
    with pytest.raises(DayNotOver, match="possible from"):
        shop.night(date(2999, 1, 1))


def test_a_night_without_any_order_is_refused(shop: Shop) -> None:
    with pytest.raises(NoOrders, match="ontem import"):
        shop.night()


def test_a_redis_that_is_not_there_is_named_before_spark_starts(
    database_url: str, storage_url: str
) -> None:
    job = a_job(database_url, "redis://:secret@127.0.0.1:1/0", storage_url)

    with pytest.raises(RedisUnavailable, match=r"127\.0\.0\.1:1") as refused:
        snapshot(job, JUNE)
    assert "secret" not in str(refused.value)


def test_the_day_of_the_clock_change_begins_at_one(shop: Shop) -> None:
    autumn = date(2018, 11, 4)
    first = datetime.fromtimestamp(
        Calendar("America/Sao_Paulo").cutoff_us(autumn.toordinal()) / 1_000_000, UTC
    )
    assert first.hour == 3
    shop.history.order(first - timedelta(microseconds=1), card="c1")
    shop.history.order(first, card="c1")
    shop.night(autumn)

    assert shop.orders("c1") == 1
