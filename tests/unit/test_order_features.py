"""What each order feature says of an order."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from features_pkg.definitions.order_features import (
    ORDER_FEATURES,
    OrderContext,
    order_feature_values,
)
from features_pkg.orders.order import Order

NOON = datetime(2018, 6, 1, 15, tzinfo=UTC).astimezone(ZoneInfo("America/Sao_Paulo"))
"""A Friday."""
BARE = Order(order_id="o", amount_cents=1990)


def values(order: Order, history_days: int | None = None) -> dict[str, int | None]:
    context = OrderContext(order, NOON, history_days)
    return dict(zip(ORDER_FEATURES, order_feature_values(context), strict=True))


def test_an_order_without_identifiers_has_an_amount_a_time_and_no_products() -> None:
    known = {name: value for name, value in values(BARE).items() if value is not None}

    assert known == {
        "amount_cents": 1990,
        "local_hour": 12,
        "local_weekday": 4,
        "different_products": 0,
    }


@pytest.mark.parametrize(
    ("feature", "identifier", "value", "expected"),
    [
        ("email_domain_kind", "email", "ana@loja.com.br", 0),
        ("email_domain_kind", "email", "ana@gmail.com", 1),
        ("email_domain_kind", "email", "ana@mailinator.com", 2),
        ("email_domain_kind", "email", "gmail.com", None),
        ("document_valid", "document", "52998224725", 1),
        ("document_valid", "document", "52998224724", 0),
        ("document_is_company", "document", "52998224725", 0),
        ("document_is_company", "document", "11222333000181", 1),
        ("document_is_company", "document", "123456789", None),
        ("phone_valid", "phone", "+5511987654321", 1),
        ("phone_valid", "phone", "123", 0),
        ("zip_code_valid", "zip_code", "01310100", 1),
        ("zip_code_valid", "zip_code", "1310100", 0),
    ],
)
def test_a_feature_of_one_identifier(
    feature: str, identifier: str, value: str, expected: int | None
) -> None:
    order = Order(order_id="o", amount_cents=1, **{identifier: value})

    assert values(order)[feature] == expected


@pytest.mark.parametrize(
    ("phone", "zip_code", "expected"),
    [
        ("+5511987654321", "01310100", 1),
        ("+5521987654321", "01310100", 0),
        ("+5511987654321", None, None),
        ("+14155552671", "01310100", None),
        ("+5511987654321", "SW1A 1AA", None),
    ],
)
def test_the_area_of_the_phone_beside_the_region_of_the_cep(
    phone: str, zip_code: str | None, expected: int | None
) -> None:
    order = Order(order_id="o", amount_cents=1, phone=phone, zip_code=zip_code)

    assert values(order)["phone_area_matches_zip_code"] == expected


def test_different_products_and_days_of_history_are_numbers_of_their_own() -> None:
    order = Order(order_id="o", amount_cents=1, product=("p", "q"))

    assert values(order)["different_products"] == 2
    assert values(order, history_days=12)["merchant_history_days"] == 12
