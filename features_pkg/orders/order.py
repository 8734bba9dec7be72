"""An order with canonical values, and the hash that tells whether two orders are the same."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from json import JSONEncoder

from features_pkg.calendar import to_us
from features_pkg.identifiers import IDENTIFIERS

HASH_BYTES = 32
_DOMAIN = b"ontem order 1"
_encode = JSONEncoder(separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Item:
    """One item of an order; `amount_cents` is for all `quantity` pieces together."""

    product: str | None
    quantity: int
    amount_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One order with the canonical values of `features_pkg.orders.normalising`; null is None."""

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
    seller: str | None = None
    """Who sells on a marketplace, as the merchant names them."""
    product: tuple[str, ...] = ()
    """Each product once, in order of appearance."""
    placed_at: datetime | None = None
    """The merchant's own time of the order, aware; no window looks at it."""
    items: tuple[Item, ...] = ()


def content_hash(order: Order) -> bytes:
    """32 bytes that are equal exactly for orders that are equal in every field.

    `placed_at` counts as an instant: the same instant in another zone is the same content.
    """
    placed_us = None if order.placed_at is None else to_us(order.placed_at)
    return hash_fields(
        [
            order.order_id,
            order.amount_cents,
            *(getattr(order, identifier) for identifier in IDENTIFIERS),
            placed_us,
            [(item.product, item.quantity, item.amount_cents) for item in order.items],
        ]
    )


def hash_fields(fields: list[object]) -> bytes:
    """`content_hash` from the fields it hashes, in that order; for whole files of orders."""
    return blake2b(_encode(fields).encode(), digest_size=HASH_BYTES, person=_DOMAIN).digest()
