"""What `POST /evaluate` answers, and what is stored of it."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import msgspec

from stores.policy import Decision


class EvaluationAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One evaluation as its merchant gets it; the same order gets the same answer again."""

    evaluation_id: UUID
    order_id: str
    score: float | None
    """0 to 1; null when a part of the past is missing, or the model's result is not a number."""
    decision: Decision
    model: str | None
    feature_set: str | None
    as_of: date | None
    """The day of the snapshot that the distant past was read from."""
    stale: bool
    """Whether that snapshot is older than the one that was due."""
    degraded: bool
    """Whether the order has no score."""
    missing: Sequence[str]
    card_replaced: bool
    """Whether the order's card is a fingerprint, in the place of a card's number."""
    evaluated_at: datetime
    recorded: bool
    """Whether the order and this answer are stored; if not, nothing knows of the order."""


_encoder = msgspec.json.Encoder()


def encode(answer: EvaluationAnswer) -> bytes:
    """`answer` as JSON; equal answers give equal bytes."""
    return _encoder.encode(answer)
