"""service/openapi.json describes exactly what the service does."""

import json
from pathlib import Path
from typing import Any, cast

import jsonschema
import msgspec
import pytest

from service.app import Dependencies, create_app
from service.body import OrderBody, parse
from service.errors import ServiceError
from service.evaluation_answer import EvaluationAnswer
from service.health import Readiness
from service.problems import PROBLEMS, Problem
from service.shared_status import Status
from service.states import State

DOCUMENT: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "service" / "openapi.json").read_bytes()
)
SCHEMAS = DOCUMENT["components"]["schemas"]
EVALUATE = DOCUMENT["paths"]["/evaluate"]["post"]


def accepts(schema: str, value: Any) -> bool:
    root = {**SCHEMAS[schema], "components": DOCUMENT["components"]}
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    validator = jsonschema.Draft202012Validator(root, format_checker=checker)
    return bool(validator.is_valid(value))


def service_takes(value: Any) -> bool:
    try:
        parse(json.dumps(value).encode(), bytes(32))
    except ServiceError:
        return False
    return True


def test_exactly_the_served_paths_and_methods_are_described():
    app = create_app(cast(Dependencies, None))
    served = {
        (rule.rule, method.lower())
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD"}
    }

    assert served == {
        (path, method) for path, methods in DOCUMENT["paths"].items() for method in methods
    }


def test_every_status_that_evaluate_can_answer_is_described():
    refusals = {str(int(status)) for status, _ in PROBLEMS.values()}

    assert set(EVALUATE["responses"]) == refusals | {"200", "500"}


@pytest.mark.parametrize(
    ("schema", "struct"),
    [
        ("Order", OrderBody),
        ("Evaluation", EvaluationAnswer),
        ("Problem", Problem),
        ("State", State),
        ("Readiness", Readiness),
        ("Status", Status),
    ],
)
def test_the_fields_are_those_of_the_code(schema: str, struct: type[msgspec.Struct]):
    fields = msgspec.structs.fields(struct)

    assert list(SCHEMAS[schema]["properties"]) == [field.name for field in fields]
    assert SCHEMAS[schema]["required"] == [field.name for field in fields if field.required]


ORDER: dict[str, Any] = {"order_id": "o-1", "amount_cents": 1}
ITEM: dict[str, Any] = {"product": "p", "quantity": 1, "amount_cents": 1}


@pytest.mark.parametrize(
    "value",
    [
        ORDER,
        {},
        [],
        {**ORDER, "amount_cents": -1},
        {**ORDER, "amount_cents": 10**15 - 1},
        {**ORDER, "amount_cents": 10**15},
        {**ORDER, "amount_cents": "1"},
        {**ORDER, "amount_cents": True},
        {**ORDER, "amount_cents": 1.5},
        {**ORDER, "order_id": ""},
        {**ORDER, "order_id": "x" * 128},
        {**ORDER, "order_id": "x" * 129},
        {**ORDER, "order_id": "a\tb"},
        {**ORDER, "order_id": "a\0b"},
        {**ORDER, "currency": "BRL"},
        {**ORDER, "currency": None},
        {**ORDER, "currency": "USD"},
        {**ORDER, "document": None},
        {**ORDER, "document": "x" * 512},
        {**ORDER, "document": "x" * 513},
        {**ORDER, "document": 5},
        {**ORDER, "score": 1},
        {**ORDER, "items": None},
        {**ORDER, "items": [ITEM] * 100},
        {**ORDER, "items": [ITEM] * 101},
        {**ORDER, "items": [{**ITEM, "quantity": 0}]},
        {**ORDER, "items": [{**ITEM, "quantity": 10**6 + 1}]},
        {**ORDER, "items": [{**ITEM, "product": ""}]},
        {**ORDER, "items": [{**ITEM, "colour": "red"}]},
        {**ORDER, "items": [{"product": "p"}]},
        {**ORDER, "placed_at": None},
        {**ORDER, "placed_at": 5},
    ],
    ids=lambda value: json.dumps(value)[:60],
)
def test_the_schema_of_an_order_takes_what_the_service_takes(value: Any):
    assert accepts("Order", value) == service_takes(value)
