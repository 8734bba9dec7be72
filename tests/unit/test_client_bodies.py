"""What the client sends and reads, beside the served OpenAPI document."""

import ast
import json
import sys
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import jsonschema
import msgspec
import pytest

import ontem_client
from ontem_client import Client, Item, Order, bodies, explanation
from ontem_client.bodies import BatchBody, ChargebackBody
from ontem_client.client import VERSION
from service import request_headers
from service.openapi.document import document
from service.openapi.operations import OPERATIONS
from tests.package_files import PROJECT

DOCUMENT = json.loads(json.dumps(document()))
SCHEMAS = DOCUMENT["components"]["schemas"]

NAMES = {"Order": "OrderBody", "Item": "SentItem"}
STRUCTS = {
    name: each
    for name, each in {**vars(bodies), **vars(explanation)}.items()
    if isinstance(each, type(msgspec.Struct))
}

FULL = Order(
    order_id="o-1", amount_cents=1990, currency="BRL", placed_at=datetime(2018, 6, 1, tzinfo=UTC),
    user="u", document="529.982.247-25", email="a@b.c", phone="+55 11 91234-5678",
    zip_code="01310-100", device="d", ip="10.0.0.1", card="t", seller="s",
    items=(Item(product="p", quantity=1, amount_cents=1990),),
)  # fmt: skip
SENT = {
    "OrderBody": [FULL, Order(order_id="o-1", amount_cents=1)],
    "BatchBody": [BatchBody(orders=(FULL,), if_refused="store_rest")],
    "ChargebackBody": [
        ChargebackBody(order_id="o-1", kind="reversal"),
        ChargebackBody(order_id="o-1", kind="chargeback", reported_at=datetime.now(UTC)),
    ],
}


def test_it_has_a_method_for_each_path_that_needs_a_key_by_the_name_of_its_operation():
    asked = {operation.name for operation in OPERATIONS if operation.needs_key}
    methods = {name for name in vars(Client) if not name.startswith("_")}

    assert methods - {"close"} == asked


def test_it_was_written_for_the_version_that_is_served():
    assert VERSION == request_headers.VERSION


@pytest.mark.parametrize("name", STRUCTS)
def test_a_body_has_the_fields_of_the_document_and_those_that_must_be_there(name: str):
    struct: Any = STRUCTS[name]
    schema = SCHEMAS[NAMES.get(name, name)]
    left_out = {"type", "title", "status"} if struct is bodies.Problem else set()

    assert set(struct.__struct_fields__) == set(schema["properties"]) - left_out
    if struct not in (bodies.Problem, BatchBody, ChargebackBody):
        required = {field.name for field in msgspec.structs.fields(struct) if field.required}
        assert required == set(schema["required"])


@pytest.mark.parametrize("name", SENT)
def test_what_is_sent_is_valid_by_the_document(name: str):
    root = {**SCHEMAS[name], "components": DOCUMENT["components"]}
    for body in SENT[name]:
        jsonschema.validate(json.loads(msgspec.json.encode(body)), root)


def test_a_stored_answer_is_read_whole_and_a_field_that_is_not_known_is_left_out():
    content = (PROJECT / "tests" / "unit" / "golden" / "evaluation.json").read_bytes()
    later = json.loads(content) | {"confidence": {"low": 0.1}}

    read = msgspec.json.decode(json.dumps(later).encode(), type=bodies.EvaluationAnswer)

    assert json.loads(msgspec.json.encode(read)) == json.loads(content)


def test_it_needs_nothing_but_msgspec_and_the_standard_library():
    for file in (PROJECT / "ontem_client").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [node.module] if isinstance(node, ast.ImportFrom) else []
            names += [each.name for each in node.names] if isinstance(node, ast.Import) else []
            rooms = {str(name).partition(".")[0] for name in names}
            assert rooms <= {"msgspec", "ontem_client", *sys.stdlib_module_names}, file.name


def test_all_that_a_merchant_needs_is_at_the_top():
    assert set(ontem_client.__all__) >= {
        name for name, each in vars(ontem_client.errors).items()
        if isinstance(each, type) and issubclass(each, ontem_client.OntemError)
    }  # fmt: skip


@pytest.mark.parametrize("seconds", [-10_800, -11_188, 30, 19_800])
def test_an_instant_is_sent_as_the_same_one_whatever_its_offset(seconds: int) -> None:
    instant = datetime(2018, 6, 1, 12, 30, 15, 678_901, timezone(timedelta(seconds=seconds)))
    order = Order(order_id="o-1", amount_cents=1, placed_at=instant)
    report = ChargebackBody(order_id="o-1", kind="chargeback", reported_at=instant)

    assert order.placed_at == instant
    for body, name in ((order, "placed_at"), (report, "reported_at")):
        sent = json.loads(msgspec.json.encode(body))[name]
        assert datetime.fromisoformat(sent) == instant
        assert ("Z" in sent) == bool(seconds % 60)


def test_an_instant_that_utc_can_not_have_is_left_as_it_is() -> None:
    instant = datetime.max.replace(tzinfo=timezone(timedelta(seconds=-30)))
    assert Order(order_id="o-1", amount_cents=1, placed_at=instant).placed_at is instant
