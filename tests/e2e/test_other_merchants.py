"""What other merchants send and store changes neither an answer nor a status."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from features_pkg.definitions.feature_set import FeatureSet
from stores.postgres.chargebacks import record_chargeback
from stores.postgres.connection import connect
from tests.e2e.conftest import Shop, a_shop
from tests.e2e.running import RunningService

ORDERS = 12
CHARGEBACK = datetime(2018, 6, 1, 14, 45, tzinfo=UTC)
IDENTIFIERS = {"document": "529.982.247-25", "email": "ana@example.com", "zip_code": "01310-100"}


@pytest.fixture
def shops(
    service: RunningService, service_database_url: str, features: FeatureSet
) -> Iterator[list[Shop]]:
    """Three merchants with the same policy."""
    with connect(service_database_url, application_name="test", autocommit=True) as database:
        yield [a_shop(service, database, features) for _ in range(3)]


def a_day(shop: Shop) -> list[tuple[int, Any, str]]:
    """Status, answer and vector of some orders, of which two ids come again."""
    told = []
    for number in range(ORDERS):
        order = {
            "order_id": f"{number % 10}",
            "amount_cents": 1_000 * (number % 10) + number // 11,
            **IDENTIFIERS,
        }
        answer = shop.evaluate(order, at=f"2018-06-01T{8 + number:02}:30:00Z")
        of_this_request = ("evaluation_id", "request_id")
        body = {name: value for name, value in answer.body.items() if name not in of_this_request}
        told.append((answer.status, body, repr(shop.vector(order["order_id"]))))
        if number == ORDERS // 2:
            shop.database.execute(f"SET ontem.clock = '{CHARGEBACK:%FT%TZ}'")  # type: ignore[arg-type]
            record_chargeback(shop.database, shop.merchant.merchant_id, "1", CHARGEBACK)
    return told


def test_the_same_day_is_the_same_beside_other_merchants(shops: list[Shop]) -> None:
    alone = a_day(shops[0])

    assert [status for status, _, _ in alone] == [200] * 11 + [409]
    assert any("'document_orders_24h_recent': 9.0" in vector for _, _, vector in alone)
    assert any("'document_chargebacks_24h_recent': 1.0" in vector for _, _, vector in alone)
    assert a_day(shops[1]) == alone
    assert a_day(shops[2]) == alone


def test_an_order_of_another_merchant_is_neither_a_conflict_nor_a_repeat(shops: list[Shop]) -> None:
    first, second, _ = shops
    order = {"order_id": "the same id", "amount_cents": 1_000}

    assert "idempotent-replayed" not in first.evaluate(order).headers
    assert "idempotent-replayed" not in second.evaluate(order).headers
    assert second.evaluate({**order, "amount_cents": 2_000}).status == 409
    assert first.evaluate(order).headers["idempotent-replayed"] == "true"
