"""Explains derived features by what they were computed from."""

from collections.abc import Mapping
from typing import Final

from features_pkg.definitions.derived import Derived
from service.explaining.explanation import DerivedFrom, Feature, NullReason, Operand

_REASONS: Final[tuple[NullReason, ...]] = ("missing", "not_in_order", "never", "divisor_is_zero")
"""Those of several operands that count first."""


def derived_feature(
    derived: Derived,
    explained: Mapping[str, Feature],
    value: int | float | None,
    contribution: float | None,
) -> Feature:
    """One derived value; `explained` has those that it was computed from, by name."""
    operands = [explained[name] for name in derived.operand_names]
    return Feature(
        name=derived.name,
        value=value,
        null_because=_reason(operands) if value is None else None,
        contribution=contribution,
        behind=None,
        derived_from=DerivedFrom(
            formula=derived.formula,
            operands=[Operand(name=each.name, value=each.value) for each in operands],
        ),
    )


def _reason(operands: list[Feature]) -> NullReason:
    """Why a derived value is null: as an operand is, or else because a divisor is 0."""
    reasons = [each.null_because for each in operands if each.null_because is not None]
    return min(reasons, key=_REASONS.index, default="divisor_is_zero")
