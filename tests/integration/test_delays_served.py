"""A night, a request and a training set agree on windows with a delay, on real stores and Spark."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.snapshot.night import snapshot
from jobs.training_set.run import TrainingPeriod
from tests.integration.history import NOON, History, a_job
from tests.integration.serving_shop import a_service
from tests.integration.training_shop import TrainingShop

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

DAY = timedelta(days=1)
CUTOFF = NOON.replace(hour=3)
MOMENT = timedelta(microseconds=1)
START, END = CUTOFF - 37 * DAY, CUTOFF - 7 * DAY
"""Of the 30 days that end 7 days before the due day, 2018-05-20, which begins at 03:00 UTC."""
PERIOD = TrainingPeriod(first_day=date(2018, 5, 14), end_day=date(2018, 5, 23), include_stale=True)
PLACED = {
    START - MOMENT: ["p"],
    START: ["p"],
    START + MOMENT: ["p"],
    END - 2 * DAY: ["p", "q"],
    END - MOMENT: ["p", "q"],
    END: ["p"],
    END + DAY: ["q"],
    NOON - 2 * DAY: ["q"],
}
"""When orders with the device were placed, and with which products."""


def ask(shop: TrainingShop, folder: Path, order_id: str, at: datetime) -> dict[str, float | None]:
    """What the service answers a new order with the device."""
    order = {
        "order_id": order_id,
        "amount_cents": 500,
        "device": "d1",
        "items": [{"product": name, "quantity": 1, "amount_cents": 250} for name in ("p", "q")],
    }
    with a_service(shop.job, folder) as serving:
        serving.till_of("loja").post("/evaluate", order, at)
        return serving.vector(order_id)


def test_a_delayed_feature_is_served_as_it_is_trained(
    database_url: str, redis_url: str, storage_url: str, spark: "SparkSession", tmp_path: Path
) -> None:
    history = History(database_url)
    shop = TrainingShop(history, a_job(database_url, redis_url, storage_url, spark))
    for at, products in PLACED.items():
        order_id = history.order(at, device="d1", product=products)
        history.chargeback(order_id, at + DAY)
    snapshot(replace(shop.job, name="night"), date(2018, 5, 20))

    vectors = {
        "fresh": ask(shop, tmp_path, "fresh", NOON),
        "two days old": ask(shop, tmp_path, "two days old", NOON + 2 * DAY),
    }

    rows = shop.rows(PERIOD)
    names = (
        "device_orders_30d_delay_7d_distant",
        "device_chargebacks_30d_delay_7d_distant",
        "product_orders_30d_delay_7d_distant",
    )
    assert [vectors["fresh"][name] for name in names] == [4, 4, 4]
    # The window has moved by two days, which the older snapshot has: its delay is longer.
    assert [vectors["two days old"][name] for name in names] == [4, 3, 3]
    for order_id, vector in vectors.items():
        assert {name: rows[order_id][name] for name in vector} == vector
