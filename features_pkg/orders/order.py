"""An order as everybody behind the door sees it: canonical values, and what makes two the same."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from json import JSONEncoder

from features_pkg.calendar import to_us

HASH_BYTES = 32
_DOMAIN = b"ontem order 1"
_encode = JSONEncoder(separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Item:
    """One line of an order; `amount_cents` is the line's, all `quantity` pieces together."""

    product: str | None
    quantity: int
    amount_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One order whose values `features_pkg.orders.normalising` made canonical; null is None."""

    order_id: str
    amount_cents: int
    user: str | None = None
    document: str | None = None
    email: str | None = None
    phone: str | None = None
    zip_code: str | None = None
    device: str | None = None
    ip: str | None = None
    card: str | None = None
    product: tuple[str, ...] = ()
    """The different products, in order of appearance."""
    placed_at: datetime | None = None
    """The merchant's own time; aware; moves no window."""
    items: tuple[Item, ...] = ()


def content_hash(order: Order) -> bytes:
    """32 bytes that are equal exactly for orders that are equal in every field.

    `placed_at` counts as an instant: the same one in another zone is the same content.
    """
    placed_us = None if order.placed_at is None else to_us(order.placed_at)
    return hash_fields(
        [
            order.order_id,
            order.amount_cents,
            order.user,
            order.document,
            order.email,
            order.phone,
            order.zip_code,
            order.device,
            order.ip,
            order.card,
            order.product,
            placed_us,
            [(item.product, item.quantity, item.amount_cents) for item in order.items],
        ]
    )


def hash_fields(fields: list[object]) -> bytes:
    """`content_hash` of the order with these fields, in its order: for whole files of orders."""
    return blake2b(_encode(fields).encode(), digest_size=HASH_BYTES, person=_DOMAIN).digest()
