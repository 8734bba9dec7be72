"""What `POST /evaluate` answers, and what is stored of it."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import msgspec

from stores.policy import Decision


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One evaluation as its merchant gets it; the same again for the same order."""

    evaluation_id: UUID
    order_id: str
    score: float | None
    """0 to 1; null when a part of the past is missing."""
    decision: Decision
    model: str | None
    feature_set: str | None
    as_of: date | None
    """The snapshot that the distant past was read from."""
    stale: bool
    """Whether that is an older one than the instant asked for."""
    degraded: bool
    """Whether anything is missing, so that there is no score."""
    missing: Sequence[str]
    evaluated_at: datetime


_encoder = msgspec.json.Encoder()


def encode(answer: Answer) -> bytes:
    """`answer` as JSON; the same answer is the same bytes."""
    return _encoder.encode(answer)
