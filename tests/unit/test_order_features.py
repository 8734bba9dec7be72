"""What each order feature says of an order."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from features_pkg.calendar import Calendar, to_us
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


GOLDEN = {
    # CPF and CNPJ of python-stdnum's pages (stdnum.br.cpf, stdnum.br.cnpj), the example number that
    # libphonenumber gives for Brazil, the CEP of the Correios' own seat in Brasília.
    "a company of São Paulo that buys to Brasília": (
        {"document": "16727230000197", "phone": "+551123456789", "zip_code": "70002900",
         "email": "compras@correios.com.br", "product": ("p",)},
        "2018-11-04T02:59:59.999999Z",
        # São Paulo's clock jumps from 0:00 to 1:00 that Sunday (tz database: Decreto 9.242).
        {"local_hour": 23, "local_weekday": 5, "different_products": 1, "email_domain_kind": 0,
         "document_valid": 1, "document_is_company": 1, "phone_valid": 1, "zip_code_valid": 1,
         "phone_area_matches_zip_code": 0},
    ),
    "a person of Brasília in the first minute after the clock jumped": (
        {"document": "39053344705", "phone": "+556133224455", "zip_code": "70002",
         "email": "x@10minutemail.com"},
        "2018-11-04T03:00:00Z",
        {"local_hour": 1, "local_weekday": 6, "different_products": 0, "email_domain_kind": 2,
         "document_valid": 1, "document_is_company": 0, "phone_valid": 1, "zip_code_valid": 1,
         "phone_area_matches_zip_code": 1},
    ),
    "a document with a wrong digit and a number that is too short": (
        {"document": "39053344706", "phone": "+55112345678", "zip_code": "00000000",
         "email": "x@UOL.com.br"},
        "2019-02-17T02:30:00Z",  # the second 23:30 of that Saturday, after the clock went back
        {"local_hour": 23, "local_weekday": 5, "different_products": 0, "document_valid": 0,
         "document_is_company": 0, "phone_valid": 0, "phone_area_matches_zip_code": 1},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("fields", "at", "expected"), GOLDEN.values(), ids=GOLDEN)
def test_an_order_has_the_values_that_other_sources_give(
    fields: dict[str, Any], at: str, expected: dict[str, int]
) -> None:
    local = Calendar("America/Sao_Paulo").local(to_us(datetime.fromisoformat(at)))
    context = OrderContext(Order(order_id="o", amount_cents=1, **fields), local, None)

    found = dict(zip(ORDER_FEATURES, order_feature_values(context), strict=True))

    assert {name: found[name] for name in expected} == expected
