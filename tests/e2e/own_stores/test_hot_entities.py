"""An entity that is in more orders than a request reads: it is counted exactly all the same."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from features_pkg.calendar import Calendar
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.orders.fields.order import read_order
from features_pkg.orders.order import content_hash
from service.hot.keeper import HotEntities, HotLimits
from service.metrics import metering
from tests.e2e.in_process import InProcess, Stores, a_service
from tests.e2e.published import OnlineStore
from tests.integration.hot_shop import now_us

MOST_ROWS, ORDERS = 100, 130
LIMITS = HotLimits(most_rows=MOST_ROWS)
CEP = "01310-100"


@pytest.fixture
def stores(stores: Stores, online: OnlineStore, features: FeatureSet) -> Stores:
    """Stores of a production service, with a snapshot of nothing."""
    calendar = Calendar(features.timezone)
    online.publish(date.fromordinal(calendar.due_day(now_us(), features.snapshot_lag)))
    return replace(stores, environment="production", hot=LIMITS)


@pytest.fixture
def service(stores: Stores) -> Iterator[InProcess]:
    with a_service(stores) as running:
        yield running


@pytest.fixture
def crowd(service: InProcess) -> InProcess:
    """A service whose merchant has as many orders of the CEP, by seven documents."""
    service.execute(
        "INSERT INTO orders (merchant_id, order_id, event_at, content_hash, amount_cents,"
        "                    document, zip_code)"
        f" SELECT {service.merchant.merchant_id}, 'crowd' || n, now() - interval '4 seconds',"
        f"        sha256('x'), 1990, 'd' || n % 7, '01310100' FROM generate_series(1, {ORDERS}) n"
    )
    return service


def hot_of(service: InProcess) -> HotEntities:
    found = service.client.application.extensions["ontem"].hot
    assert found is not None
    return found


def post(service: InProcess, number: int, **fields: Any) -> dict[str, Any]:
    answer = service.evaluate(f"o{number}", zip_code=CEP, document=f"d{number % 7}", **fields)
    assert answer.status_code == 200
    return dict(answer.json)


def post_many(service: InProcess, numbers: range) -> list[list[str]]:
    """What each of these orders lacked; what is wished for meanwhile is done before the next."""
    missing = []
    for number in numbers:
        missing.append(post(service, number)["missing"])
        assert hot_of(service).settle(30)
    return missing


def counted(service: InProcess, features: FeatureSet, order_id: str) -> tuple[float, float]:
    """The orders and documents of the CEP that an evaluation counted."""
    ((vector,),) = service.stored("e.vector", order_id)
    values = struct.unpack(f"<{len(vector) // 8}d", vector)
    by_name = dict(zip(features.names, values, strict=True))
    return (
        by_name["zip_code_orders_24h_recent"],
        by_name["zip_code_distinct_document_orders_24h_recent"],
    )


def test_an_entity_that_grows_hot_is_held_before_it_must_be(
    service: InProcess, features: FeatureSet
) -> None:
    missing = post_many(service, range(ORDERS))

    assert missing == [[]] * ORDERS
    for number in range(0, ORDERS, 30):
        assert counted(service, features, f"o{number}") == (number, min(number, 7))
    assert metering.metrics().hot_entities._value.get() >= 1


def test_a_process_that_is_new_lacks_the_recent_past_until_it_holds_the_entity(
    crowd: InProcess, features: FeatureSet
) -> None:
    first = post(crowd, 1)
    assert hot_of(crowd).settle(30)
    second = post(crowd, 2)

    assert (first["missing"], first["score"], first["decision"]) == (["recent"], None, "block")
    assert second["missing"] == []
    assert counted(crowd, features, "o2") == (ORDERS + 1, 7)


def test_a_stored_order_of_a_hot_entity_gets_its_answer_again(crowd: InProcess) -> None:
    for number in (1, 2):  # the second is answered with what is held
        first = post(crowd, number)
        assert hot_of(crowd).settle(30)
        again = crowd.evaluate(f"o{number}", zip_code=CEP, document=f"d{number % 7}")

        assert again.headers["Idempotent-Replayed"] == "true"
        assert again.json == first


def test_an_imported_order_of_a_hot_entity_is_evaluated_without_itself(
    crowd: InProcess, features: FeatureSet
) -> None:
    """It may be among what is held, so all rows are read for it."""
    post_many(crowd, range(2))
    order = read_order("imported", 1990, {"document": "d1", "zip_code": CEP})
    crowd.execute(
        "WITH import AS (INSERT INTO imports (merchant_id, kind, source, sha256)"
        f"               VALUES ({crowd.merchant.merchant_id}, 'orders', '', sha256('x'))"
        "                RETURNING merchant_id, import_id)"
        " INSERT INTO orders (merchant_id, order_id, event_at, import_id, content_hash,"
        "                     amount_cents, document, zip_code)"
        " SELECT merchant_id, 'imported', now(), import_id,"
        f"       '\\x{content_hash(order).hex()}', 1990, 'd1', '01310100' FROM import"
    )
    missing = post_many(crowd, range(2, 4))

    answer = crowd.evaluate("imported", zip_code=CEP, document="d1")

    assert missing == [["recent"], []]
    assert answer.json["missing"] == []
    assert counted(crowd, features, "imported") == (ORDERS + 4, 7)
    assert counted(crowd, features, "o3") == (ORDERS + 4, 7)
