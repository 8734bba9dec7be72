"""Orders and entities to ask about: read as the body of a request is, whatever they come in."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, cast

import pyarrow as pa

from features_pkg.errors import OntemError
from features_pkg.identifiers import IDENTIFIERS, Identifier
from features_pkg.notebook.instants import refuse_first
from features_pkg.orders.columns.amount import column_cents
from features_pkg.orders.columns.products import product_texts
from features_pkg.orders.columns.tables import arrow_columns
from features_pkg.orders.columns.text import text_array
from features_pkg.orders.fields.amount import PLAIN
from features_pkg.orders.fields.identifier import read_card, read_identifier
from features_pkg.orders.fields.refusals import Refusals, ValueRefused
from features_pkg.orders.order import Order
from ontem.feature_store.errors import EntityRefused, OrderRefused
from service import body

ORDER_ID: Final = "order_id"
AMOUNT: Final = "amount_cents"
OF_ORDERS: Final = (ORDER_ID, AMOUNT)
"""What an order has and an entity has not."""


def read_orders(orders: Any, card_key: bytes) -> list[tuple[str | None, Order]]:
    """Each order with canonical values, and its id; an entity has no id.

    `orders` is one mapping with the fields of the body of `POST /evaluate`, a list of such, or a
    table with such columns; `product`, a list, may stand for `items`. One that has neither
    `order_id` nor `amount_cents` is an entity: whatever depends on its amount is null.

    Raises OrderRefused, and OrdersRefused for a column of a table.
    """
    return [
        _read(position, sent, card_key) for position, sent in enumerate(list(_mappings(orders)))
    ]


def _mappings(orders: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(orders, Mapping):
        yield orders
    elif isinstance(orders, Sequence) and not isinstance(orders, str | bytes):
        yield from orders
    else:
        yield from _rows(arrow_columns(orders, (*OF_ORDERS, *IDENTIFIERS)))


def _rows(columns: Mapping[str, pa.ChunkedArray]) -> Iterator[Mapping[str, Any]]:
    """The rows of a table; what is null in one is left out of it."""
    lists = {name: _values(name, column) for name, column in columns.items()}
    for row in zip(*lists.values(), strict=True):
        yield {
            str(name): value  # also of the identifiers, which are more than texts
            for name, value in zip(lists, row, strict=True)
            if value is not None or name in OF_ORDERS
        }


def _values(name: str, column: pa.ChunkedArray) -> list[Any]:
    whole = column.combine_chunks()
    if name == AMOUNT:
        refusals = Refusals(len(whole))
        cents = column_cents(whole, PLAIN, refusals)
        refuse_first(refusals)
        return cast("list[Any]", cents.tolist())
    if name == Identifier.PRODUCT:
        return [list(texts) for texts in product_texts(whole)]
    return cast("list[Any]", text_array(whole, name).to_pylist())


def _read(position: int, sent: Any, card_key: bytes) -> tuple[str | None, Order]:
    if not isinstance(sent, Mapping):
        kind = type(sent).__name__
        raise OrderRefused(position=position, reason=f"is {kind}: give a mapping of its fields")
    fields = _with_items(dict(sent))
    is_entity = not any(name in fields for name in OF_ORDERS)
    if is_entity:
        # An id that no stored order has: a request never counts the order that it is about.
        fields |= {ORDER_ID: f"entity-{uuid.uuid4().hex}", AMOUNT: 0}
    try:
        order = body.read(fields, card_key)
    except OntemError as refused:
        raise OrderRefused(position=position, reason=str(refused)) from None
    if is_entity:
        # The engine reads an amount of None as null, and so does whatever is derived from it.
        return None, replace(order, amount_cents=cast("int", None))
    return order.order_id, order


def _with_items(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields with `items` in the place of `product`."""
    if Identifier.PRODUCT not in fields or "items" in fields:
        return fields
    products = fields.pop(Identifier.PRODUCT)
    named = [products] if isinstance(products, str) else list(products or ())
    items = [{"product": each, "quantity": 1, AMOUNT: 0} for each in named if each is not None]
    return fields | {"items": items}


def canonical_value(identifier: str, value: str, card_key: bytes) -> str:
    """The canonical text of a value of an identifier. Raises EntityRefused."""
    if value is not None and not isinstance(value, str):
        raise EntityRefused(identifier=identifier, reason=f"{value!r} is not a text")
    try:
        if identifier == Identifier.CARD:
            canonical = read_card(value, card_key)
        else:
            canonical = read_identifier(identifier, value)
    except ValueRefused as refused:
        raise EntityRefused(identifier=identifier, reason=refused.reason) from None
    if canonical is None:
        reason = f"{value!r} is a placeholder, which no entity has"
        raise EntityRefused(identifier=identifier, reason=reason)
    return canonical
