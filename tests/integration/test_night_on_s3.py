"""A night and a training set whose offline store is a bucket."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import redis

from jobs.snapshot.facts import SnapshotFacts
from jobs.training_set.run import training_set
from stores.offline.revisions import Revision, read_revision
from stores.offline.runs import verify_files
from stores.offline.tables import OfflineStore, open_store
from tests.integration.history import NOON, History, a_job
from tests.integration.night_shop import CUTOFF, HOUR, NightShop
from tests.integration.offline_runs import Place
from tests.integration.training_shop import WEEK

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@pytest.fixture
def shop(place: Place, redis_url: str, spark: "SparkSession") -> Iterator[NightShop]:
    job = a_job(place.postgres_url, redis_url, place.storage_url, spark)
    where = {"s3_endpoint": place.s3_endpoint, "s3_region": place.s3_region}
    with redis.Redis.from_url(redis_url) as client:
        job = replace(job, settings=replace(job.settings, **where))
        yield NightShop(History(place.postgres_url), job, client)


def rows_of(store: OfflineStore, revision: Revision[Any], key: str) -> list[dict[str, Any]]:
    """The rows of its files, which are as they were committed."""
    verify_files(store.files, revision.files)
    tables = [pq.read_table(store.files.open(each.key)) for each in revision.files]
    return pa.concat_tables(tables).sort_by(key).to_pylist()


@pytest.mark.parametrize("place", ["s3"], indirect=True)
def test_a_night_on_s3_publishes_what_its_table_has(shop: NightShop) -> None:
    for hours in (1, 30, 300):
        shop.history.order(CUTOFF - hours * HOUR, card="c1", document="39053344705")
    night = shop.night()

    store = open_store(shop.job.settings)
    revision = read_revision(store, night.load.revision, SnapshotFacts)
    table = store.catalogue.load_table(("ontem", revision.slot.table)).scan().to_arrow()
    assert night.load.entities == table.num_rows == 3
    lists = [field.name for field in table.schema if pa.types.is_nested(field.type)]
    written = [
        # PyIceberg reads a null list of structs as an empty one, as docs/offline-store.md says.
        row | {name: row[name] or [] for name in lists}
        for row in rows_of(store, revision, "entity")
    ]
    assert written == table.sort_by("entity").to_pylist()
    assert shop.orders("c1") == 3


@pytest.mark.parametrize("place", ["s3"], indirect=True)
def test_a_training_set_on_s3_is_the_table(shop: NightShop) -> None:
    shop.history.order(NOON, card="c1")
    shop.history.order(NOON + HOUR, card="c1")
    revision = training_set(shop.job, WEEK)

    store = open_store(shop.job.settings)
    table = store.catalogue.load_table(("ontem", revision.slot.table))
    rows = table.scan().to_arrow().sort_by("order_pk").to_pylist()
    assert [row["card_orders_24h_recent"] for row in rows] == [0, 1]
    assert rows_of(store, revision, "order_pk") == rows
    assert table.schema().find_field("label").doc is not None
