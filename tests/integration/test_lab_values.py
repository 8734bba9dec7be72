"""What the lab computes for a feature of the catalogue is what its training set has."""

from datetime import date, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.definitions.order_features import VALUE_FEATURES
from jobs.extract.facts import committed_extractions, events_slot
from jobs.extract.run import extract
from jobs.watermark import wait_for_read_bounds
from ontem.lab.past import OF_DERIVED, ExtractedEvents
from stores.offline.tables import open_store
from tests.integration.history import NOON, History, a_job
from tests.integration.test_training_live import a_load, next_xid
from tests.integration.test_training_set import some_orders
from tests.integration.training_shop import TrainingShop

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@pytest.fixture
def shop(
    database_url: str, redis_url: str, storage_url: str, spark: "SparkSession"
) -> TrainingShop:
    return TrainingShop(History(database_url), a_job(database_url, redis_url, storage_url, spark))


def live_orders(shop: TrainingShop) -> None:
    """Orders that did not see all of their past, one that saw no past, and one posted later."""
    history = shop.history
    load = a_load(shop, date(2018, 5, 20), next_xid(shop))
    values = {"card": "card1", "device": "device2", "product": ["p1", "p2"]}
    seen = {"load_id": load, "as_of": date(2018, 5, 20), "stale_days": 0}
    for minute in range(4):
        at = NOON + timedelta(minutes=minute)
        history.evaluation(history.live_order(at, **values), at, **seen)
        history.order(NOON - timedelta(hours=minute + 1), **values)
        history.chargeback(history.order(NOON - timedelta(days=3), **values), NOON)
    blind = history.live_order(NOON + timedelta(minutes=9), **values)
    history.evaluation(blind, NOON + timedelta(minutes=9), missing=["distant", "recent"])
    posted_later = history.order(NOON - timedelta(hours=2), **values)
    extract_now(shop)  # so that its evaluation gets a row of its own
    history.evaluation(posted_later, NOON + timedelta(minutes=10), **seen)


def extract_now(shop: TrainingShop) -> None:
    with shop.job.connect() as connection:
        bounds = wait_for_read_bounds(
            connection, date(2018, 5, 20), shop.job.calendar, say=shop.job.say
        )
        extract(shop.job, connection, open_store(shop.job.settings), bounds.newest)


def test_every_feature_of_the_catalogue_is_as_in_the_training_set(shop: TrainingShop) -> None:
    some_orders(shop.history, 90)
    live_orders(shop)
    revision, built = shop.build()

    store = open_store(shop.job.settings)
    extracted = committed_extractions(store, events_slot(shop.job.namespace))
    features: FeatureSet = shop.job.feature_set
    events = ExtractedEvents(store.files, extracted, revision.facts.watermark_key)
    identifiers = {velocity.identifier for velocity in features.velocities}
    past = events.past(identifiers)
    some = built.take(pa.array(range(0, built.num_rows, 2)))
    of_training_set = VALUE_FEATURES.keys() - OF_DERIVED
    for rows in (built, some):
        values = past.values(features, rows["order_pk"].to_numpy())
        for name in [each for each in features.names if each not in of_training_set]:
            assert values[name].to_pylist() == rows[name].to_pylist(), name
    live = built.filter(built["live"])
    assert live.num_rows == 6
    assert live["card_orders_24h_recent"].null_count == 1
