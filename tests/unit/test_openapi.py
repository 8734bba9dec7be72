"""The OpenAPI document, its page, and what they say of the service."""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any, cast

import jsonschema
import pytest

from service import chargebacks, errors
from service.app import Dependencies, create_app
from service.body import parse
from service.errors import ServiceError
from service.head_checks import WITHOUT_KEY
from service.openapi.document import document
from service.openapi.operations import OPERATIONS
from service.openapi.page import page
from service.problems import PROBLEMS
from tests.unit.golden_files import is_golden

DOCUMENT = json.loads(json.dumps(document()))
SCHEMAS = DOCUMENT["components"]["schemas"]

FORMATS = jsonschema.FormatChecker(())


@FORMATS.checks("date-time", ValueError)
def is_date_time(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


def accepts(schema: str, value: Any) -> bool:
    root = {**SCHEMAS[schema], "components": DOCUMENT["components"]}
    validator = jsonschema.Draft202012Validator(root, format_checker=FORMATS)
    return bool(validator.is_valid(value))


def service_takes(value: Any) -> bool:
    try:
        parse(json.dumps(value).encode(), bytes(32))
    except ServiceError:
        return False
    return True


def test_the_document_is_the_golden_one():
    assert is_golden("openapi.json", json.dumps(DOCUMENT, indent=1) + "\n")


def test_the_document_and_the_page_are_served():
    client = create_app(cast(Dependencies, None)).test_client()
    served = client.get("/docs")

    assert client.get("/openapi.json").get_json() == DOCUMENT
    assert served.data == page(DOCUMENT)
    assert served.content_type == "text/html; charset=utf-8"
    assert served.headers["Content-Security-Policy"].startswith("default-src 'none'")


def test_exactly_the_served_paths_and_methods_are_described():
    rules = list(create_app(cast(Dependencies, None)).url_map.iter_rules())
    served = {
        (re.sub("<(?:[^>]*:)?([^>]*)>", r"{\1}", rule.rule), method.lower())
        for rule in rules
        for method in (rule.methods or set()) - {"HEAD"}
    }

    assert served == {
        (path, method) for path, methods in DOCUMENT["paths"].items() for method in methods
    }
    assert {rule.endpoint for rule in rules} == {operation.name for operation in OPERATIONS}


def test_a_key_is_needed_where_the_document_says_so():
    assert {each.name for each in OPERATIONS if not each.needs_key} == set(WITHOUT_KEY)


def test_every_refusal_has_a_code_of_its_own_and_is_described():
    refusals = {
        each
        for each in vars(errors).values()
        if isinstance(each, type) and issubclass(each, ServiceError) and each is not ServiceError
    }
    codes = [code for _, code in PROBLEMS.values()]

    assert refusals == set(PROBLEMS)
    assert len(codes) == len(set(codes))
    assert refusals == {error for operation in OPERATIONS for error in operation.refuses}


def nodes(value: Any) -> Iterator[Any]:
    yield value
    children = value.values() if isinstance(value, dict) else value
    if isinstance(value, dict | list):
        for child in children:
            yield from nodes(child)


def test_every_schema_is_one_and_every_reference_leads_somewhere():
    for schema in SCHEMAS.values():
        jsonschema.Draft202012Validator.check_schema(schema)
    references = [n["$ref"] for n in nodes(DOCUMENT) if isinstance(n, dict) and "$ref" in n]
    assert len(references) > 20
    for reference in references:
        target: Any = DOCUMENT
        for name in reference.removeprefix("#/").split("/"):
            target = target[name]


def test_the_page_works_without_a_network_and_has_every_path_and_field():
    text = page(DOCUMENT).decode()

    assert not re.search(r"<script|<link|<img|src=|@import|url\(|https?:", text)
    for operation in OPERATIONS:
        assert f'id="{operation.name}"' in text
    for name, schema in SCHEMAS.items():
        assert f'<h2 id="{name}">' in text
        assert all(f"<code>{each}</code>" in text for each in schema.get("properties", ()))
    for link in re.findall(r'href="#([^"]*)"', text):
        assert f'id="{link}"' in text, link


def test_the_page_escapes_what_it_shows():
    odd = json.loads(json.dumps(DOCUMENT).replace("Whether the process runs", "<script>"))

    assert "<script>" not in page(odd).decode()


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
        {**ORDER, "placed_at": "2018-06-01T12:00:00-03:00"},
        {**ORDER, "placed_at": "1970-01-02T00:00:00Z"},
        {**ORDER, "placed_at": "2199-12-30T23:59:59Z"},
        {**ORDER, "placed_at": "1969-12-30T12:00:00Z"},
        {**ORDER, "placed_at": "2200-01-02T12:00:00Z"},
        {**ORDER, "placed_at": "0001-01-01T00:00:00Z"},
        {**ORDER, "placed_at": "2018-06-01T12:00:00"},
        {**ORDER, "placed_at": "2018-02-30T12:00:00Z"},
        {**ORDER, "placed_at": ""},
        {**ORDER, "placed_at": "2018-06-01"},
        {**ORDER, "placed_at": "2018-06-01T12:00Z"},
        {**ORDER, "placed_at": "2018-06-01T12:00:00,5Z"},
        {**ORDER, "placed_at": "2018-06-01T12:00:00 Z"},
        {**ORDER, "placed_at": "2018-06-01T12:00:00-0300"},
        {**ORDER, "placed_at": " 2018-06-01T12:00:00Z"},
        {**ORDER, "placed_at": "2018-06-01T12:00:00Z\n"},
        {**ORDER, "document": "a\0b"},
        {**ORDER, "items": [{**ITEM, "product": "a\0b"}]},
    ],
    ids=lambda value: json.dumps(value)[:60],
)
def test_the_schema_of_an_order_takes_what_the_service_takes(value: Any):
    assert accepts("OrderBody", value) == service_takes(value)


@pytest.mark.parametrize("reported_at", ["", "2018-06-01T12:00Z", "2018-06-01T12:00:00-03:00"])
def test_the_schema_of_a_report_takes_the_times_that_the_service_takes(reported_at: str):
    value = {"order_id": "o-1", "reported_at": reported_at}
    try:
        chargebacks.parse(json.dumps(value).encode())
    except ServiceError:
        assert not accepts("ChargebackBody", value)
    else:
        assert accepts("ChargebackBody", value)


WRONG: dict[str, Any] = {**ORDER, "amount_cents": -1}


@pytest.mark.parametrize(
    ("batch", "is_valid"),
    [
        ({"orders": [ORDER]}, True),
        ({"orders": [ORDER, WRONG]}, False),
        ({"orders": [WRONG], "if_refused": "store_nothing"}, False),
        ({"orders": [ORDER, WRONG, None], "if_refused": "store_rest"}, True),
        ({"orders": [], "if_refused": "store_rest"}, False),
        ({"orders": [ORDER], "if_refused": "rest"}, False),
    ],
)
def test_the_schema_of_a_batch_takes_a_wrong_order_where_the_service_does(batch, is_valid):
    assert accepts("BatchBody", batch) == is_valid
