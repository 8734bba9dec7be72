"""Derived features from their operands: the values of one order, or columns with those of many."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any, Final, TypeVar

import numpy as np

from features_pkg.array_types import Floats
from features_pkg.definitions.derived import Derived, DerivedKind

Value = TypeVar("Value", float, Floats)
"""A value, NaN for null, or a column of them."""


def derived_values(derived: Sequence[Derived], names: Sequence[str]) -> DerivedValues:
    """What computes `derived` from the vector of an order whose values have these names."""
    position_of = {name: position for position, name in enumerate(names)}
    steps = [
        (_FORMULAS[each.kind], itemgetter(*(position_of[name] for name in each.operand_names)))
        for each in derived
    ]
    return lambda vector: [formula(_or_nan, *operands(vector)) for formula, operands in steps]


DerivedValues = Callable[[Sequence[float]], list[float]]


def derived_column(derived: Derived, columns: Mapping[str, Floats]) -> Floats:
    """The column of a derived feature, from those of its operands by name."""
    operands = (columns[name] for name in derived.operand_names)
    column: Floats = _FORMULAS[derived.kind](_or_nans, *operands)
    return column


def _quotient(divisor: Callable[[Value], Value], first: Value, second: Value) -> Value:
    return first / divisor(second)


def _difference(_: Callable[[Value], Value], first: Value, second: Value) -> Value:
    return first - second


def _to_mean(divisor: Callable[[Value], Value], first: Value, total: Value, count: Value) -> Value:
    return first / divisor(total / divisor(count))


_FORMULAS: Final[Mapping[DerivedKind, Callable[..., Any]]] = {
    DerivedKind.MEAN: _quotient,
    DerivedKind.CHARGEBACK_SHARE: _quotient,
    DerivedKind.QUOTIENT: _quotient,
    DerivedKind.DIFFERENCE: _difference,
    DerivedKind.AMOUNT_TO_MEAN: _to_mean,
}
"""They serve one order and columns alike.

What makes null of a divisor of 0 is given to them, as it differs for a number and a column.
"""


def _or_nan(divisor: float) -> float:
    return divisor or math.nan


def _or_nans(divisor: Floats) -> Floats:
    return np.where(divisor == 0, np.nan, divisor)
