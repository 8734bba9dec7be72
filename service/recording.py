"""Stores an order with its evaluation in one transaction, and finds the stored answer."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from psycopg.types.json import Jsonb
from psycopg.types.numeric import Int8

from features_pkg.calendar import from_us
from features_pkg.identifiers import SINGLE_VALUED
from features_pkg.orders.cards import is_fingerprint
from features_pkg.orders.order import Item, Order
from service.deadline import Deadline
from service.errors import OrderConflict
from service.evaluation_answer import EvaluationAnswer, from_columns
from service.session import Pending, Session
from service.statements import prepare
from stores.policy import Decision
from stores.redis.load_list import Load

_FIELDS: Final = (
    *("merchant_id", "order_id", "evaluated_at", "placed_at", "content_hash", "amount_cents"),
    *("product", "items", "evaluation_id", "vector", "score", "decision", "model"),
    *(
        "feature_set",
        "timelines",
        "load_id",
        "as_of",
        "stale_days",
        "request_id",
        "visible",
        "missing",
        "generation",
    ),
)
_IDENTIFIERS: Final = {name: name for name in SINGLE_VALUED}
RECORD: Final = prepare("record_evaluation", *_FIELDS, values=_IDENTIFIERS, development=False)
_RECORD_WITH_CLOCK: Final = prepare(
    "record_evaluation", *_FIELDS, "clock", values=_IDENTIFIERS, development=True
)
STORED_EVALUATION: Final = prepare("stored_evaluation", "merchant_id", "order_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """One evaluation with all that is stored of it."""

    evaluation_id: UUID
    merchant_id: int
    request_id: str
    order: Order
    content_hash: bytes
    evaluated_us: int
    vector: Sequence[float]
    missing: tuple[str, ...]
    score: float | None
    decision: Decision
    model: str
    feature_set: str
    timelines: str
    load: Load | None
    stale_days: int | None
    visible: str | None
    generation: int | None
    """That of `visible`; None is the newest."""

    @property
    def as_of(self) -> date | None:
        """The day of the snapshot that was used."""
        return None if self.load is None else date.fromordinal(self.load.as_of)

    def answer(self, *, recorded: bool = True) -> EvaluationAnswer:
        """What the merchant gets; `recorded` is false unless it is known to be stored."""
        return EvaluationAnswer(
            evaluation_id=self.evaluation_id,
            order_id=self.order.order_id,
            score=self.score,
            decision=self.decision,
            model=self.model,
            feature_set=self.feature_set,
            as_of=self.as_of,
            stale=bool(self.stale_days),
            degraded=self.score is None,
            missing=self.missing,
            card_replaced=is_fingerprint(self.order.card),
            evaluated_at=from_us(self.evaluated_us),
            recorded=recorded,
        )


def record(
    session: Session, evaluation: Evaluation, *, clock: datetime | None, deadline: Deadline
) -> Pending:
    """Begin to store the order and its evaluation, both or neither; one row says that they are.

    They are not when the order has an evaluation already, or other content. After an error they
    may be stored all the same. `clock` is the development clock of the request. Raises OtherServer,
    psycopg.Error or PostgresUnavailable.
    """
    values = values_of(evaluation)
    if clock is None:
        return session.store(RECORD, values, deadline)
    values["clock"] = clock.isoformat()
    return session.store(_RECORD_WITH_CLOCK, values, deadline)


def stored_answer(
    session: Session, merchant_id: int, order: Order, content_hash: bytes, deadline: Deadline
) -> EvaluationAnswer | None:
    """The answer that this order got before, or None if it has none.

    Raises OrderConflict when the order is stored with other content; psycopg.Error or
    PostgresUnavailable.
    """
    values = {"merchant_id": Int8(merchant_id), "order_id": order.order_id}
    rows = session.run(STORED_EVALUATION, values, deadline)
    if not rows:
        return None
    stored_hash, *columns = rows[0]
    if stored_hash != content_hash:
        raise OrderConflict
    if columns[0] is None:
        return None
    return from_columns(tuple(columns), order_id=order.order_id, card=order.card)


def values_of(evaluation: Evaluation) -> dict[str, object]:
    """The values of the statement that stores an evaluation."""
    order, load = evaluation.order, evaluation.load
    values: dict[str, object] = {name: getattr(order, name) for name in SINGLE_VALUED}
    values.update(
        merchant_id=Int8(evaluation.merchant_id),
        order_id=order.order_id,
        evaluated_at=from_us(evaluation.evaluated_us),
        placed_at=order.placed_at,
        content_hash=evaluation.content_hash,
        amount_cents=Int8(order.amount_cents),
        product=list(order.product),
        items=Jsonb([item_fields(item) for item in order.items]),
        evaluation_id=evaluation.evaluation_id,
        vector=struct.pack(f"<{len(evaluation.vector)}d", *evaluation.vector),
        score=evaluation.score,
        decision=evaluation.decision,
        model=evaluation.model,
        feature_set=evaluation.feature_set,
        timelines=evaluation.timelines,
        load_id=None if load is None else Int8(load.load_id),
        as_of=evaluation.as_of,
        stale_days=None if evaluation.stale_days is None else Int8(evaluation.stale_days),
        request_id=evaluation.request_id,
        visible=evaluation.visible,
        missing=list(evaluation.missing),
        generation=evaluation.generation,
    )
    return values


def item_fields(item: Item) -> dict[str, object]:
    """An item as it is stored."""
    return {
        "product": item.product,
        "quantity": item.quantity,
        "amount_cents": item.amount_cents,
    }
