"""The body of `POST /evaluate`, parsed strictly."""

import re
from datetime import datetime
from typing import Annotated, Final, Literal

import msgspec

from features_pkg.orders.limits import (
    LONGEST_ORDER_ID,
    LONGEST_TEXT,
    MOST_CENTS,
    MOST_ITEMS,
    MOST_QUANTITY,
)
from service import strict_json
from service.errors import FieldRefused

PLACED_AT_YEARS: Final = range(1900, 2200)
"""The years, on its own clock, that a `placed_at` may lie in: it is stored and moves no window."""

OrderId = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_ORDER_ID)]
Text = Annotated[str, msgspec.Meta(max_length=LONGEST_TEXT)]
Product = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_TEXT)]
Cents = Annotated[int, msgspec.Meta(ge=0, le=MOST_CENTS)]
Quantity = Annotated[int, msgspec.Meta(ge=1, le=MOST_QUANTITY)]
AwareInstant = Annotated[datetime, msgspec.Meta(tz=True)]


class ItemBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One item of an order as it was sent."""

    product: Product
    quantity: Quantity
    amount_cents: Cents


class OrderBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An order as it was sent; identifiers are any text, valid or not."""

    order_id: OrderId
    amount_cents: Cents
    currency: Literal["BRL"] | None = None
    placed_at: AwareInstant | None = None
    user: Text | None = None
    document: Text | None = None
    email: Text | None = None
    phone: Text | None = None
    zip_code: Text | None = None
    device: Text | None = None
    ip: Text | None = None
    card: Text | None = None
    items: Annotated[list[ItemBody], msgspec.Meta(max_length=MOST_ITEMS)] | None = None


_CENTS_RULE: Final = f"it must be a whole number of cents from 0 to {MOST_CENTS}"
_TEXT_RULE: Final = f"it must be a text of at most {LONGEST_TEXT} characters, or null"
_RULES: Final = {
    "order_id": f"it must be a text of 1 to {LONGEST_ORDER_ID} characters",
    "amount_cents": _CENTS_RULE,
    "currency": "it must be BRL, or be left out",
    "placed_at": "it must be an RFC 3339 instant with its offset, such as "
    "2018-06-01T12:00:00-03:00, or be left out",
    "items": f"it must be a list of at most {MOST_ITEMS} items, or be left out",
    "items[].product": f"it must be a text of 1 to {LONGEST_TEXT} characters",
    "items[].quantity": f"it must be a whole number from 1 to {MOST_QUANTITY}",
    "items[].amount_cents": _CENTS_RULE,
    "items[]": "it must be an object with product, quantity and amount_cents",
    "": "it must be one JSON object",
}
"""What a field must be, by its path without positions; all other fields are texts."""

_MESSAGE_PATH: Final = re.compile(r" - at `\$\.?([^`]*)`$")
_MESSAGE_FIELD: Final = re.compile(r"(unknown|missing required) field `(.*)`", re.DOTALL)


def parse(content: bytes) -> OrderBody:
    """The order in the bytes of a request's body.

    Raises:
        BodyUnreadable: they are not a JSON value in UTF-8.
        FieldRefused: a field is unknown, missing, of another type or out of bounds; it is named.
    """
    value = strict_json.decode(content)
    try:
        body = msgspec.convert(value, OrderBody)
    except msgspec.ValidationError as cause:
        raise _refusal(str(cause)) from None
    if body.placed_at is not None and body.placed_at.year not in PLACED_AT_YEARS:
        first, last = PLACED_AT_YEARS[0], PLACED_AT_YEARS[-1]
        raise FieldRefused("placed_at", f"its year must be from {first} to {last}")
    return body


def _refusal(message: str) -> FieldRefused:
    """The refusal for a message of msgspec; it has none of the client's values."""
    path_match = _MESSAGE_PATH.search(message)
    path = path_match[1] if path_match else ""
    field_match = _MESSAGE_FIELD.search(_MESSAGE_PATH.sub("", message))
    if field_match is None:
        return FieldRefused(path, _RULES.get(re.sub(r"\[\d+\]", "[]", path), _TEXT_RULE))
    name = strict_json.safe_name(field_match[2])
    param = f"{path}.{name}" if path else name
    if field_match[1] == "unknown":
        return FieldRefused(param, "there is no such field: leave it out")
    return FieldRefused(param, "it is missing: send it")
