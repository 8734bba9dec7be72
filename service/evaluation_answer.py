"""What `POST /evaluate` answers, and what is stored of it."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Final, TypeAlias
from uuid import UUID

import msgspec

from features_pkg.orders.cards import is_fingerprint
from service.described import described
from stores.policy import Decision
from stores.postgres.pipelined import Row

Instant: TypeAlias = Annotated[datetime, msgspec.Meta(tz=True)]


class EvaluationAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One evaluation as its merchant gets it; the same order gets the same answer again."""

    evaluation_id: UUID
    order_id: str
    score: Annotated[
        float | None,
        described(
            "The higher, the more likely fraud. Null when a part of the past is missing, or the "
            "model's result is not a number.",
            minimum=0,
            maximum=1,
        ),
    ]
    decision: Annotated[
        Decision,
        described(
            "By the score and the merchant's thresholds; without a score, the decision that the "
            "merchant chose for that case, or for an order of this amount."
        ),
    ]
    model: str | None
    feature_set: Annotated[
        str | None, described("Version of the definitions that the features were computed with.")
    ]
    as_of: Annotated[
        date | None,
        described("The day of the snapshot: the distant past is what was before it began."),
    ]
    stale: Annotated[bool, described("Whether the snapshot is older than the one that was due.")]
    degraded: Annotated[bool, described("Whether the order has no score.")]
    missing: Annotated[
        Sequence[str],
        described(
            "What could not be read: `distant`, `recent`, or `distant:` and an identifier or "
            "`merchant`."
        ),
    ]
    card_replaced: Annotated[
        bool, described("Whether a fingerprint is stored in the place of a card's number.")
    ]
    evaluated_at: Instant
    recorded: Annotated[
        bool,
        described(
            "Whether the order and this answer are stored. If not, nothing is known to be: send "
            "the same order again. Never false unless the merchant's policy says so."
        ),
    ]


COLUMNS: Final = 9
"""How many columns sql/queries/answer_columns.sql.j2 has."""


def from_columns(columns: Row, *, order_id: str, card: str | None) -> EvaluationAnswer:
    """The answer that was stored, of the columns of sql/queries/answer_columns.sql.j2."""
    evaluation_id, score, decision, model, feature_set, *rest = columns
    as_of, stale_days, missing, evaluated_at = rest
    return EvaluationAnswer(
        evaluation_id=evaluation_id,
        order_id=order_id,
        score=score,
        decision=decision,
        model=model,
        feature_set=feature_set,
        as_of=as_of,
        stale=bool(stale_days),
        degraded=score is None,
        missing=missing,
        card_replaced=is_fingerprint(card),
        evaluated_at=evaluated_at,
        recorded=True,
    )


_encoder = msgspec.json.Encoder()


def encode(answer: EvaluationAnswer) -> bytes:
    """`answer` as JSON; equal answers give equal bytes."""
    return _encoder.encode(answer)
