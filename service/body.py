"""The body of `POST /evaluate`: its shape is checked here, its values where files' values are."""

from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec

from features_pkg.identifiers import SINGLE_VALUED
from features_pkg.orders.fields.order import read_order
from features_pkg.orders.fields.refusals import ValueRefused
from features_pkg.orders.fields.shape import shape_refusal
from features_pkg.orders.limits import (
    LONGEST_ORDER_ID,
    LONGEST_TEXT,
    MOST_CENTS,
    MOST_ITEMS,
    TEXT_FORM,
    YEARS,
)
from features_pkg.orders.order import Order
from service import strict_json
from service.described import described
from service.errors import FieldRefused
from service.sent_instant import INSTANT_FORM, RULE, check_form


def _identifier(description: str) -> msgspec.Meta:
    return described(description, maxLength=LONGEST_TEXT, pattern=TEXT_FORM)


OrderId: TypeAlias = Annotated[
    str | None,
    described(
        "The merchant's own id of the order.",
        type="string",
        minLength=1,
        maxLength=LONGEST_ORDER_ID,
        pattern=TEXT_FORM,
    ),
]


class OrderBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An order as it was sent; identifiers are any text, valid or not.

    A few letters become two in lower case: a text has at most 512 characters then, too.

    The same `order_id` with the same content gets the stored answer, without an end.
    """

    order_id: OrderId
    amount_cents: Annotated[
        int | None,
        described(
            "What the buyer pays, in centavos; written without a decimal point.",
            type="integer",
            minimum=0,
            maximum=MOST_CENTS,
        ),
    ]
    currency: Annotated[Literal["BRL"] | None, described("Only BRL.")] = None
    placed_at: Annotated[
        str | None,
        described(
            "When the buyer placed the order, with its offset. It is stored and moves no window. "
            f"From {YEARS[0]} to {YEARS[-1]} in UTC; digits beyond the microsecond are cut off.",
            format="date-time",
            pattern=INSTANT_FORM,
        ),
    ] = None
    user: Annotated[str | None, _identifier("The merchant's id of the customer.")] = None
    document: Annotated[str | None, _identifier("CPF or CNPJ, with or without punctuation.")] = None
    email: Annotated[str | None, _identifier("E-mail address.")] = None
    phone: Annotated[
        str | None, _identifier("Phone number, national or with its country code.")
    ] = None
    zip_code: Annotated[str | None, _identifier("CEP.")] = None
    device: Annotated[str | None, _identifier("An id of the device.")] = None
    ip: Annotated[str | None, _identifier("IPv4 or IPv6 address.")] = None
    card: Annotated[
        str | None, _identifier("A token or fingerprint of the card. Never the card's number.")
    ] = None
    seller: Annotated[
        str | None, _identifier("The merchant's own id of the seller, on a marketplace.")
    ] = None
    items: Annotated[
        Any,
        described(
            "What was bought; read with the other values.",
            anyOf=[
                {
                    "type": "array",
                    "maxItems": MOST_ITEMS,
                    "items": {"$ref": "#/components/schemas/SentItem"},
                },
                {"type": "null"},
            ],
        ),
    ] = None


_TEXT_RULE: Final = f"must be a text of at most {LONGEST_TEXT} characters, or null"
_RULES: Final = {
    "order_id": f"must be a text of 1 to {LONGEST_ORDER_ID} characters",
    "amount_cents": f"must be a whole number of cents from 0 to {MOST_CENTS}",
    "currency": "must be BRL, or be left out",
    "placed_at": RULE,
    "": "must be one JSON object",
}
"""What the type of a field must be, by its path without positions; all other fields are texts."""


def parse(content: bytes, card_key: bytes) -> Order:
    """The canonical order in the bytes of a request's body.

    `card_key` is the secret of the fingerprint that replaces a card's number.

    Raises:
        BodyUnreadable: they are not a JSON value in UTF-8.
        FieldRefused: a field is unknown, missing, of another type or out of bounds; it is named.
    """
    return read(strict_json.decode(content), card_key)


def read(value: object, card_key: bytes) -> Order:
    """The canonical order in a JSON value. Raises FieldRefused."""
    try:
        body = msgspec.convert(value, OrderBody)
    except msgspec.ValidationError as cause:
        refused = shape_refusal(str(cause), _RULES, _TEXT_RULE)
        raise FieldRefused(refused.field, refused.reason) from None
    try:
        order = read_order(
            body.order_id,
            body.amount_cents,
            {name: getattr(body, name) for name in SINGLE_VALUED},
            card_key=card_key,
            placed_at=body.placed_at,
            items=body.items,
        )
    except ValueRefused as refused:
        raise FieldRefused(refused.field, refused.reason) from None
    check_form(body.placed_at, "placed_at")
    return order
