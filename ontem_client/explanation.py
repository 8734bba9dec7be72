"""What `Client.explain` gets: an answer with all values that it was made from."""

from typing import Literal

import msgspec

from ontem_client.bodies import EvaluationAnswer


class EventsBehind(msgspec.Struct, frozen=True, kw_only=True):
    """The orders behind one velocity, as the evaluation could see them."""

    recount: Literal["same", "different", "too_many", "not_read"]
    recounted: int | None
    order_ids: tuple[str, ...] | None
    more: bool


class Operand(msgspec.Struct, frozen=True, kw_only=True):
    """A feature that a derived one was computed from."""

    name: str
    value: int | float | None


class DerivedFrom(msgspec.Struct, frozen=True, kw_only=True):
    """How a derived feature was computed: `formula` has the names of the operands."""

    formula: str
    operands: tuple[Operand, ...]


class Feature(msgspec.Struct, frozen=True, kw_only=True):
    """One value that the model was given."""

    name: str
    value: int | float | None
    null_because: Literal["missing", "not_in_order", "never", "divisor_is_zero"] | None
    contribution: float | None
    behind: EventsBehind | None
    derived_from: DerivedFrom | None


class Mover(msgspec.Struct, frozen=True, kw_only=True):
    """A feature that moved the score; above 0 is towards fraud."""

    name: str
    contribution: float


class ScoreParts(msgspec.Struct, frozen=True, kw_only=True):
    """How the score came about: `base` and all contributions add up to `log_odds`."""

    log_odds: float
    base: float
    moved_most: tuple[Mover, ...]


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """An evaluation with all values that it was made from."""

    evaluation: EvaluationAnswer
    score_state: Literal[
        "explained", "no_score", "model_not_loaded", "model_changed", "always_the_same_score"
    ]
    score_parts: ScoreParts | None
    features: tuple[Feature, ...] | None
