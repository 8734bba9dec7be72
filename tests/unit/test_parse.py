"""The body of POST /evaluate: what is accepted, and which field each refusal names."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from features_pkg.orders.fields.refusals import ValueRefused
from features_pkg.orders.fields.strict_json import _object
from features_pkg.orders.limits import MOST_CENTS, MOST_ITEMS
from features_pkg.orders.order import Item, Order
from service import body, strict_json
from service.errors import BodyUnreadable, FieldRefused

CARD_KEY = bytes(range(32))


def parse(content: bytes) -> Order:
    return body.parse(content, CARD_KEY)


def a_body(**fields: Any) -> bytes:
    return json.dumps({"order_id": "o-1", "amount_cents": 1990, **fields}).encode()


def an_item(**fields: Any) -> dict[str, Any]:
    return {"product": "p-1", "quantity": 1, "amount_cents": 1990, **fields}


def refused_param(content: bytes) -> str:
    with pytest.raises(FieldRefused) as refusal:
        parse(content)
    return refusal.value.param


def test_an_order_needs_only_its_id_and_its_amount():
    order = parse(b'{"order_id": "o-1", "amount_cents": 0}')

    assert (order.order_id, order.amount_cents) == ("o-1", 0)
    assert order.document is None
    assert order.items == ()


def test_every_field_of_an_order_is_read():
    texts = ("user", "document", "email", "phone", "zip_code", "device", "ip", "card", "seller")
    order = parse(
        a_body(
            currency="BRL",
            placed_at="2018-06-01T09:00:00-03:00",
            items=[an_item()],
            **{name: f"some {name}" for name in texts},
        )
    )

    assert order.placed_at == datetime(2018, 6, 1, 12, tzinfo=UTC)
    assert [getattr(order, name) for name in texts] == [f"some {name}" for name in texts]
    assert order.items == (Item("p-1", 1, 1990),)
    assert order.product == ("p-1",)


def test_an_invalid_identifier_never_refuses_an_order():
    order = parse(a_body(document="not a CPF", email="@@", ip="999.1", zip_code=""))

    assert (order.document, order.zip_code) == ("not a CPF", None)


@pytest.mark.parametrize("value", ["5", True, 10.0, 1e3, -1, MOST_CENTS + 1, None, [], {}])
def test_an_amount_is_a_whole_number_of_cents_and_nothing_else(value: Any):
    assert refused_param(a_body(amount_cents=value)) == "amount_cents"


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e400", "-0.0", "1e-320"])
def test_a_number_that_is_not_an_integer_is_refused_with_its_field(text: str):
    content = b'{"order_id": "o-1", "amount_cents": %s}' % text.encode()

    assert refused_param(content) == "amount_cents"


@pytest.mark.parametrize("name", ["amount_cents", "order_id"])
def test_a_missing_field_is_named(name: str):
    body = {"order_id": "o-1", "amount_cents": 1}
    del body[name]

    assert refused_param(json.dumps(body).encode()) == name


@pytest.mark.parametrize("name", ["score", "merchant_id", "is_admin", "model_version", "product"])
def test_an_unknown_field_is_refused(name: str):
    assert refused_param(a_body(**{name: 1})) == name


def test_a_duplicate_key_is_refused_at_any_depth():
    assert refused_param(b'{"order_id": "o", "amount_cents": 1, "amount_cents": 1}') == (
        "amount_cents"
    )
    item = b'{"product": "p", "quantity": 1, "quantity": 2, "amount_cents": 1}'
    body = b'{"order_id": "o", "amount_cents": 1, "items": [' + item + b"]}"
    assert refused_param(body) == "items[0].quantity"


@pytest.mark.parametrize("order_id", ["", "x" * 129, 7, None, "a\0b"])
def test_an_order_id_is_a_text_of_1_to_128_characters(order_id: Any):
    assert refused_param(a_body(order_id=order_id)) == "order_id"


@pytest.mark.parametrize(
    "placed_at",
    ["2018-06-01T12:00:00", "2018-06-01", "yesterday", 1527854400, "0001-01-01T00:00:00+14:00"],
)
def test_a_placed_at_without_an_offset_or_out_of_bounds_is_refused(placed_at: Any):
    assert refused_param(a_body(placed_at=placed_at)) == "placed_at"


@pytest.mark.parametrize("currency", ["USD", "brl", "", 1])
def test_another_currency_is_refused(currency: Any):
    assert refused_param(a_body(currency=currency)) == "currency"


@pytest.mark.parametrize("value", [5, True, 1.5, ["a"], {"a": 1}, "x" * 513])
def test_an_identifier_is_a_text_of_at_most_512_characters(value: Any):
    assert refused_param(a_body(document=value)) == "document"


def test_the_item_that_is_wrong_is_named_with_its_position():
    assert refused_param(a_body(items=[an_item(), an_item(quantity=0)])) == "items[1].quantity"
    assert refused_param(a_body(items=[an_item(amount_cents=-1)])) == "items[0].amount_cents"
    assert refused_param(a_body(items=[an_item(product="")])) == "items[0].product"
    assert refused_param(a_body(items=[an_item(colour="red")])) == "items[0].colour"
    assert refused_param(a_body(items=[{"product": "p"}])) == "items[0].quantity"
    assert refused_param(a_body(items=["p"])) == "items[0]"
    assert refused_param(a_body(items=[an_item()] * (MOST_ITEMS + 1))) == "items"


@pytest.mark.parametrize("escape", [r"\u0000", r"\ud800", r"\udc00\ud800"])
def test_a_text_that_no_database_can_store_is_refused_with_its_field(escape: str):
    content = rb'{"order_id": "o-1", "amount_cents": 1, "device": "x%s"}' % escape.encode()

    assert refused_param(content) == "device"


def test_an_instant_without_a_zone_is_refused_with_what_a_request_can_do():
    with pytest.raises(FieldRefused) as refused:
        parse(a_body(placed_at="2018-06-01T12:00:00"))

    assert refused.value.detail == "has no time zone: write it like 2018-06-01T12:00:00-03:00"


def test_an_item_s_text_that_no_database_can_store_is_refused_with_the_item_s_position():
    content = rb'{"order_id": "o-1", "amount_cents": 1, "items": [{"product": "x\u0000"}]}'

    assert refused_param(content) == "items[0].product"


def test_a_name_with_half_a_surrogate_pair_is_refused_without_repeating_it():
    assert refused_param(rb'{"order_id": "o-1", "amount_cents": 1, "\ud800": 1}') == "?"


@pytest.mark.parametrize(
    "content",
    [
        rb'"\ud800"',
        rb'["\ud800"]',
        rb'[[["\u0000"]]]',
        rb'{"order_id": [["\ud800"]]}',
        rb'[{"a": "\ud800"}]',
    ],
)
def test_no_text_that_can_not_be_stored_passes_wherever_it_stands(content: bytes):
    with pytest.raises((BodyUnreadable, FieldRefused), match="half of a surrogate pair"):
        strict_json.decode(content)


class ComparedName(str):
    """A field's name that counts how often it is compared with another."""

    __slots__ = ()
    comparisons = 0

    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        ComparedName.comparisons += 1
        return str.__eq__(self, other)


def test_a_name_that_appears_twice_is_found_without_comparing_each_with_each():
    names = [ComparedName(f"n{number}") for number in range(5_000)]
    pairs: list[tuple[str, object]] = [(name, 0) for name in [*names, ComparedName("n4999")]]
    with pytest.raises(ValueRefused):
        _object(pairs)

    assert ComparedName.comparisons < len(pairs)


@pytest.mark.parametrize(
    ("content", "param"),
    [
        (b'{"order_id": "o", "order_id": "p"}', "order_id"),
        (b'{"items": [{"product": "p"}, {"product": "p", "product": "q"}]}', "items[1].product"),
        (b'{"orders": [{}, {"items": [{}, {"a": 1, "a": 2}]}]}', "orders[1].items[1].a"),
        (b'{"a": {"b": 1, "b": 2}, "a": 1}', "a.b"),
        (b'[[{"a": 1, "a": 2}]]', "[0][0].a"),
    ],
)
def test_a_name_that_appears_twice_is_refused_with_its_path(content: bytes, param: str):
    with pytest.raises(FieldRefused, match="appears more than once: send it once") as refused:
        strict_json.decode(content)

    assert refused.value.param == param


@pytest.mark.parametrize("end", [b"", b"} {", b', "b": ' + b"9" * 5_000 + b"}"])
def test_a_body_that_is_broken_after_a_name_that_appears_twice_is_unreadable(end: bytes):
    with pytest.raises(BodyUnreadable):
        strict_json.decode(b'{"a": {"b": 1, "b": 2}' + end)


def test_a_whole_surrogate_pair_is_an_ordinary_character():
    content = rb'{"order_id": "o-1", "amount_cents": 1, "device": "\ud83d\ude00"}'

    assert parse(content).device == "\N{GRINNING FACE}"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b'{"order_id": "o-1", "amount_cents": 1} {}',
        b'\xef\xbb\xbf{"order_id": "o-1", "amount_cents": 1}',
        '{"order_id": "ação", "amount_cents": 1}'.encode("latin-1"),
        b'{"order_id": "a\nb", "amount_cents": 1}',
        b"[" * 60_000,
        b'{"a":' * 10_000,
        b'{"order_id": "o-1", "amount_cents": ' + b"9" * 5_000 + b"}",
    ],
)
def test_a_body_that_is_not_json_is_unreadable(content: bytes):
    with pytest.raises(BodyUnreadable):
        parse(content)


@pytest.mark.parametrize("content", [b"[]", b"7", b'"text"', b"null", b"true"])
def test_json_that_is_not_an_object_is_refused_as_the_body(content: bytes):
    assert refused_param(content) == ""


def test_brackets_inside_a_text_are_not_nesting():
    assert parse(a_body(device='d[{"' * 120)).device == 'd[{"' * 120


def test_a_full_order_of_100_items_is_not_too_deep():
    order = parse(a_body(items=[an_item(product=f"p-{number}") for number in range(MOST_ITEMS)]))

    assert len(order.items) == MOST_ITEMS


def test_a_refusal_does_not_repeat_the_value():
    with pytest.raises(FieldRefused) as refusal:
        parse(a_body(document=["529.982.247-25"]))

    assert "529" not in str(refusal.value)
