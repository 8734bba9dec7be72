"""What a snapshot counts, from real PostgreSQL through Spark to Redis."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import redis

from features_pkg.calendar import Calendar
from features_pkg.identifiers import MERCHANT, Event
from jobs.snapshot.facts import SnapshotFacts, snapshot_slot
from stores.offline.revisions import read_revision
from stores.offline.runs import verify_files
from stores.offline.tables import open_store
from tests.integration.history import History, a_job

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


def test_orders_up_to_the_cutoff_count_and_not_the_one_at_it(shop: NightShop) -> None:
    shop.history.order(CUTOFF - timedelta(microseconds=1), card="c1", amount_cents=70)
    shop.history.order(CUTOFF, card="c1", amount_cents=5000)
    shop.history.order(CUTOFF - timedelta(days=40), card="c1", amount_cents=8)
    shop.night()

    timeline = shop.timeline("card", "c1")
    assert timeline is not None
    assert timeline.count(JUNE.toordinal(), None) == 2
    assert timeline.count(JUNE.toordinal(), 1) == 1
    assert timeline.amount_cents(JUNE.toordinal(), 30) == 70


def test_every_identifier_and_the_merchant_itself_get_a_timeline(shop: NightShop) -> None:
    values = {
        "user": "u", "document": "d", "email": "e@x.br", "phone": "+5511", "zip_code": "01001000",
        "device": "v", "ip": "10.0.0.1", "card": "c", "product": ["p", "q"],
    }  # fmt: skip
    shop.history.order(CUTOFF - HOUR, **values)
    night = shop.night()

    assert night.load.entities == 11
    for identifier, value in {**values, "product": "q", MERCHANT: ""}.items():
        timeline = shop.timeline(identifier, str(value))
        assert timeline is not None, identifier
        assert timeline.first_us == int((CUTOFF - HOUR).timestamp()) * 1_000_000


def test_a_chargeback_counts_from_when_it_was_reported(shop: NightShop) -> None:
    reported = shop.history.order(CUTOFF - timedelta(days=9), card="reported")
    late = shop.history.order(CUTOFF - timedelta(days=9), card="late")
    shop.history.chargeback(reported, CUTOFF - HOUR)
    shop.history.chargeback(reported, CUTOFF - 2 * HOUR)
    shop.history.chargeback(late, CUTOFF)
    shop.night()

    timeline = shop.timeline("card", "reported", Event.CHARGEBACK)
    assert timeline is not None
    assert timeline.count(JUNE.toordinal(), None) == 1
    assert timeline.first_us == int((CUTOFF - 2 * HOUR).timestamp()) * 1_000_000
    assert shop.timeline("card", "late", Event.CHARGEBACK) is None


def test_different_values_are_counted(shop: NightShop) -> None:
    for phone in ("+551", "+552", "+551", None):
        shop.history.order(CUTOFF - HOUR, document="d1", phone=phone)
    shop.night()

    timeline = shop.timeline("document", "d1")
    assert timeline is not None
    features = shop.job.feature_set
    position = next(
        targets.index(target)
        for (identifier, event), targets in features.timeline_targets.items()
        if (identifier, event) == ("document", "order")
        for target in targets
        if target == "phone"
    )
    assert timeline.distinct(position, JUNE.toordinal(), None) == 2


def test_another_merchants_orders_do_not_count(shop: NightShop) -> None:
    with shop.history.connect() as connection:
        connection.execute("INSERT INTO merchants (name) VALUES ('outra')")
    shop.history.order(CUTOFF - HOUR, card="c1")
    shop.history.order(CUTOFF - HOUR, card="c1", merchant_id=shop.history.merchant_id + 1)
    shop.night()

    assert shop.orders("c1") == 1


def test_the_revision_says_what_the_snapshot_is(shop: NightShop) -> None:
    shop.history.order(CUTOFF - HOUR, card="c1")
    night = shop.night()

    store = open_store(shop.job.settings)
    revision = read_revision(store, night.load.revision, SnapshotFacts)
    verify_files(store.files, revision.files)
    assert night.load.revision == snapshot_slot(shop.timelines, JUNE).name(1)
    assert (revision.facts.as_of, revision.facts.cutoff) == (JUNE, CUTOFF)
    assert revision.rows == night.load.entities == 2
    assert revision.provenance.libraries["pyspark"].startswith("4.")


def test_no_value_is_in_parquet(shop: NightShop, storage_folder: Path) -> None:
    shop.history.order(CUTOFF - HOUR, document="39053344705", card="4111111111111111")
    shop.night()

    files = list(storage_folder.rglob("*.parquet"))
    assert files
    for path in files:
        assert b"39053344705" not in path.read_bytes()
        assert b"4111111111111111" not in path.read_bytes()


def test_the_day_of_the_clock_change_begins_at_one(shop: NightShop) -> None:
    autumn = date(2018, 11, 4)
    first = datetime.fromtimestamp(
        Calendar("America/Sao_Paulo").cutoff_us(autumn.toordinal()) / 1_000_000, UTC
    )
    assert first.hour == 3
    shop.history.order(first - timedelta(microseconds=1), card="c1")
    shop.history.order(first, card="c1")
    shop.night(autumn)

    assert shop.orders("c1") == 1
