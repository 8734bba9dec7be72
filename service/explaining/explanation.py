"""What an explanation says: one answer with all its values, and what each came from."""

from typing import Annotated, Final, Literal

import msgspec

from service.described import described
from service.evaluation_answer import EvaluationAnswer

MOST_ORDER_IDS: Final = 100
MOST_MOVERS: Final = 10

Recount = Literal["same", "different", "too_many", "not_read"]
NullReason = Literal["missing", "not_in_order", "never", "divisor_is_zero"]


class EventsBehind(msgspec.Struct, frozen=True, kw_only=True):
    """The orders behind one velocity, as the evaluation could see them."""

    recount: Annotated[
        Recount,
        described(
            "Whether the stored orders and chargebacks give the same value again. `different`: "
            "the history was changed since, and `recounted` is what it gives now. `too_many`: "
            "there are too many to be counted again in time. `not_read`: PostgreSQL did not give "
            "them in time, or it is not known any more what the snapshot held."
        ),
    ]
    recounted: Annotated[
        int | None, described("The value by the orders that are stored now; null if not counted.")
    ]
    order_ids: Annotated[
        list[str] | None,
        described(
            "The newest orders whose events were counted, the newest event first; for an age, the "
            "one order it is the age of. Null if they were not read.",
            maxItems=MOST_ORDER_IDS,
        ),
    ]
    more: Annotated[bool, described("Whether there are more orders than `order_ids` has.")]


class Operand(msgspec.Struct, frozen=True, kw_only=True):
    """A feature that a derived one was computed from."""

    name: str
    value: Annotated[int | float | None, described("As it was stored with the evaluation.")]


class DerivedFrom(msgspec.Struct, frozen=True, kw_only=True):
    """How a derived feature was computed. What is behind its operands is with each of them."""

    formula: Annotated[str, described("The value, written with the names of the operands.")]
    operands: list[Operand]


class Feature(msgspec.Struct, frozen=True, kw_only=True):
    """One value that the model was given."""

    name: str
    value: Annotated[int | float | None, described("As it was stored with the evaluation.")]
    null_because: Annotated[
        NullReason | None,
        described(
            "Why there is no value. `missing`: the past could not be read; `not_in_order`: the "
            "order does not say; `never`: an age of what had never happened; `divisor_is_zero`: "
            "of a derived feature only. One that reads a null is null for the same reason."
        ),
    ]
    contribution: Annotated[
        float | None,
        described(
            "How far the value moved the log odds of the score; 0 if the model does not read it, "
            "null if the score is not explained."
        ),
    ]
    behind: Annotated[
        EventsBehind | None,
        described(
            "Null for a feature of the order itself, for a derived one, for what could not be "
            "read, and where the order does not say."
        ),
    ]
    derived_from: Annotated[
        DerivedFrom | None, described("Null for a feature that is not derived from others.")
    ]


class Mover(msgspec.Struct, frozen=True, kw_only=True):
    """A feature that moved the score."""

    name: str
    contribution: float


class ScoreParts(msgspec.Struct, frozen=True, kw_only=True):
    """How the score came about: `base` and all contributions add up to `log_odds`."""

    log_odds: Annotated[float, described("The score is 1 / (1 + exp(-log_odds)).")]
    base: Annotated[float, described("The average log odds of the model's training.")]
    moved_most: Annotated[
        list[Mover],
        described(
            "The features with the largest contributions, the largest first; above 0 is towards "
            "fraud.",
            maxItems=MOST_MOVERS,
        ),
    ]


ScoreState = Literal[
    "explained", "no_score", "model_not_loaded", "model_changed", "always_the_same_score"
]


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """An evaluation with all values that it was made from."""

    evaluation: Annotated[EvaluationAnswer, described("As it was answered.")]
    score_state: Annotated[
        ScoreState,
        described(
            "Whether `score_parts` is there, or why not. `no_score`: there is nothing to explain. "
            "`model_not_loaded`: another model serves by now. `model_changed`: the model of that "
            "name gives another score. `always_the_same_score`: the model gives all orders the "
            "same score of 0 or 1."
        ),
    ]
    score_parts: ScoreParts | None
    features: Annotated[
        list[Feature] | None,
        described(
            "In the order of the model's input. Null if this version of Ontem does not know the "
            "evaluation's `feature_set`, so that the stored numbers have no names."
        ),
    ]
