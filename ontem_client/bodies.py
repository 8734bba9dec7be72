"""What a merchant sends and gets.

The names are those of the service's OpenAPI document, which says what each field means. A field
that this client does not know yet is left out of an answer; one that it knows is always there.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import Literal, TypeAlias
from uuid import UUID

import msgspec

Decision: TypeAlias = Literal["allow", "review", "block"]
ChargebackKind: TypeAlias = Literal["chargeback", "reversal"]
IfRefused: TypeAlias = Literal["store_nothing", "store_rest"]


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One product of an order."""

    product: str
    quantity: int
    amount_cents: int


class Order(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An order; of its identifiers the more are sent, the more can be known.

    `card` is a token or a fingerprint, never the card's number. `placed_at` needs an offset.
    """

    order_id: str
    amount_cents: int
    currency: Literal["BRL"] | None = None
    placed_at: datetime | None = None
    user: str | None = None
    document: str | None = None
    email: str | None = None
    phone: str | None = None
    zip_code: str | None = None
    device: str | None = None
    ip: str | None = None
    card: str | None = None
    seller: str | None = None
    items: Sequence[Item] | None = None

    def __post_init__(self) -> None:
        """See `_keep_instant`."""
        _keep_instant(self, "placed_at")


class EvaluationAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What Ontem says of one order; the same order gets the same answer again."""

    evaluation_id: UUID
    order_id: str
    score: float | None
    """0 to 1: the higher, the more likely fraud. None if the order could not be scored."""
    decision: Decision
    model: str | None
    feature_set: str | None
    as_of: date | None
    stale: bool
    degraded: bool
    """Whether the order has no score; the decision is then the one of the merchant's policy."""
    missing: tuple[str, ...]
    card_replaced: bool
    evaluated_at: datetime
    recorded: bool
    """If False, send the same order again, or later by `Client.store_orders`."""


class OrderOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """One order of a batch: stored now, known from before, or refused, then with the reason."""

    position: int
    order_id: str | None = None
    state: Literal["stored", "known", "refused"]
    code: str | None = None
    param: str | None = None
    detail: str | None = None


class BatchAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a batch: how many orders are in each state, and each order's."""

    stored: int
    known: int
    refused: int
    orders: tuple[OrderOutcome, ...]


class ChargebackAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a report."""

    order_id: str
    kind: ChargebackKind
    state: Literal["stored", "known"]
    waits_for_order: bool
    """Whether no such order is stored: the report counts once it is."""
    waits_for_chargeback: bool
    """Whether it is a reversal of a chargeback that is not stored."""


class BatchBody(msgspec.Struct, frozen=True, kw_only=True):
    """The body of `POST /orders/batch`."""

    orders: Sequence[Order]
    if_refused: IfRefused


class ChargebackBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The body of `POST /chargebacks`."""

    order_id: str
    kind: ChargebackKind
    reported_at: datetime | None = None

    def __post_init__(self) -> None:
        """See `_keep_instant`."""
        _keep_instant(self, "reported_at")


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """The body of an answer that is not 2xx, as far as this client reads it."""

    code: str | None = None
    detail: str = ""
    param: str | None = None
    request_id: str | None = None
    orders: tuple[OrderOutcome, ...] = ()


def _keep_instant(body: msgspec.Struct, name: str) -> None:
    """Write an instant in UTC if its offset has seconds, which JSON's form of it would lose."""
    instant = getattr(body, name)
    offset = instant.utcoffset() if isinstance(instant, datetime) else None
    if offset is not None and offset % timedelta(minutes=1):
        with suppress(OverflowError):  # at an end of time, which the service refuses
            msgspec.structs.force_setattr(body, name, instant.astimezone(UTC))
