"""Derived features: quotients and differences of other features, each with one name that says it.

What they mean is docs/semantics.md section 2.8, their names section 11.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, TypeAlias

from features_pkg.definitions.derived_kinds import (
    AMOUNT_CENTS,
    SHORT_KINDS,
    DerivedKind,
    Operand,
    can_begin,
    is_same,
    operands_of,
    read_kind,
)
from features_pkg.definitions.order_features import NUMERIC_ORDER_FEATURES, ORDER_FEATURES
from features_pkg.definitions.velocity import Velocity, parse_name
from features_pkg.errors import DefinitionError
from features_pkg.identifiers import Event, Identifier

__all__ = [
    "AMOUNT_CENTS",
    "Derived",
    "DerivedKind",
    "Feature",
    "Operand",
    "feature_name",
    "parse_feature",
]


@dataclass(frozen=True, slots=True)
class Derived:
    """A quotient or a difference of other features of the same order, its `operands`.

    ====================== =========================================== ========================
    kind                   operands                                    value
    ====================== =========================================== ========================
    mean                   amount, count of the same events            first / second
    chargeback_share       chargebacks, orders of the same window      first / second
    amount_to_mean         `amount_cents`, amount, count of orders     first / (second / third)
    per, minus             any two                                     first / second, or minus
    ====================== =========================================== ========================

    The value is a float; null where an operand is null or a divisor is 0. The kind's word and the
    names of operands are taken, too.

    Raises:
        DefinitionError: for operands that the kind does not have, or that a shorter name says.
    """

    kind: DerivedKind
    operands: tuple[Operand, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", read_kind(self.kind))
        operands = tuple(_read_operand(self.kind, operand) for operand in self.operands)
        object.__setattr__(self, "operands", operands)
        if self.kind in SHORT_KINDS:
            _check_short(self)
        else:
            _check_pair(self)

    @property
    def name(self) -> str:
        """Parquet column, model input and API word, e.g. `card_chargeback_share_30d_distant`."""
        if self.kind in (DerivedKind.QUOTIENT, DerivedKind.DIFFERENCE):
            return f"_{self.kind}_".join(self.operand_names)
        velocity = self.velocities[0]
        identifier = velocity.identifier
        window = velocity.name.rpartition(f"_{velocity.event.plural}_")[2]
        match self.kind:
            case DerivedKind.MEAN:
                return f"{identifier}_mean_amount_cents_{velocity.event.plural}_{window}"
            case DerivedKind.CHARGEBACK_SHARE:
                return f"{identifier}_chargeback_share_{window}"
        return f"amount_to_{identifier}_mean_amount_{window}"

    @property
    def operand_names(self) -> tuple[str, ...]:
        """The names of the features that it reads."""
        return tuple(feature_name(operand) for operand in self.operands)

    @property
    def velocities(self) -> tuple[Velocity, ...]:
        """The velocities that it reads."""
        return tuple(operand for operand in self.operands if isinstance(operand, Velocity))

    @property
    def formula(self) -> str:
        """Its value, written with the names of its operands."""
        names = self.operand_names
        if self.kind is DerivedKind.AMOUNT_TO_MEAN:
            return f"{names[0]} / ({names[1]} / {names[2]})"
        return (" - " if self.kind is DerivedKind.DIFFERENCE else " / ").join(names)


Feature: TypeAlias = "Velocity | Derived | str"
"""Any feature; an order feature is its name."""


def feature_name(feature: Feature) -> str:
    """The one name that a feature has everywhere."""
    return feature if isinstance(feature, str) else feature.name


def parse_feature(name: str) -> Feature:
    """What a name stands for: a velocity, a derived feature, or an order feature's own name.

    >>> parse_feature("card_mean_amount_cents_orders_30d_distant").formula
    'card_amount_cents_orders_30d_distant / card_orders_30d_distant'
    >>> parse_feature("local_hour")
    'local_hour'

    Raises:
        DefinitionError: when no feature has this name; where a part of it is wrong, that is named.
    """
    if name in ORDER_FEATURES:
        return name
    return _parse_derived(name) or parse_name(name)


_IDENTIFIERS: Final = "|".join(Identifier)
_SHORT_NAMES: Final = {
    DerivedKind.MEAN: (
        re.compile(rf"({_IDENTIFIERS})_mean_amount_cents_((?:{'|'.join(Event)})s_.+)"),
        "{0}_amount_cents_{1}",
    ),
    DerivedKind.CHARGEBACK_SHARE: (
        re.compile(rf"({_IDENTIFIERS})_chargeback_share_(.+)"),
        "{0}_chargebacks_{1}",
    ),
    DerivedKind.AMOUNT_TO_MEAN: (
        re.compile(rf"amount_to_({_IDENTIFIERS})_mean_amount_(.+)"),
        "{0}_amount_cents_orders_{1}",
    ),
}
"""Per kind the form of its names, and the name of the velocity that all else follows from."""

_PAIR_WORD: Final = re.compile(rf"_({DerivedKind.QUOTIENT}|{DerivedKind.DIFFERENCE})_")


def _parse_derived(name: object) -> Derived | None:
    """The derived feature of that name; None for a name that has not the form of one."""
    if not isinstance(name, str):
        return None
    parts = _PAIR_WORD.split(name)
    if len(parts) > 1:
        if len(parts) > 3:
            raise DefinitionError(
                f"feature {name!r}",
                "is computed from two features, and this names more: write one '_per_' or "
                "'_minus_' between two names",
            )
        left, word, right = parts
        subject = f"feature {name!r}"
        operands = (_parse_operand(subject, left), _parse_operand(subject, right))
        return Derived(DerivedKind(word), operands)
    for kind, (form, velocity_name) in _SHORT_NAMES.items():
        if found := form.fullmatch(name):
            part = velocity_name.format(*found.groups())
            velocity = _parse_operand(f"feature {name!r}", part)
            assert isinstance(velocity, Velocity)  # by its form
            return Derived(kind, operands_of(kind, velocity))
    return None


def _read_operand(kind: DerivedKind, operand: object) -> Operand:
    if isinstance(operand, Velocity):
        return operand
    if not isinstance(operand, str):
        raise DefinitionError(
            f"{kind} of {operand!r}", "is made of velocities and order features, or their names"
        )
    return _parse_operand(f"{kind} of {operand!r}", operand)


def _parse_operand(subject: str, part: str) -> Operand:
    try:
        operand = parse_feature(part)
    except DefinitionError as error:
        about = "" if part in error.subject else f"{error.subject}: "
        reason = f"its part {part!r}: {about}{error.reason}"
        raise DefinitionError(subject, reason) from None
    if isinstance(operand, Derived):
        raise DefinitionError(
            subject,
            f"its part {part!r} is derived itself: name the features that this one is computed "
            f"from, {' and '.join(operand.operand_names)}",
        )
    return operand


def _check_short(derived: Derived) -> None:
    kind, velocities = derived.kind, derived.velocities
    if not velocities or not can_begin(kind, velocities[0]):
        fits = False
    else:
        fits = derived.operands == operands_of(kind, velocities[0])
    if not fits:
        raise DefinitionError(
            f"{kind} of {', '.join(derived.operand_names) or 'nothing'}",
            {
                DerivedKind.MEAN: "takes an amount, and the count of the same events",
                DerivedKind.CHARGEBACK_SHARE: "takes chargebacks, and orders of the same window",
                DerivedKind.AMOUNT_TO_MEAN: f"takes {AMOUNT_CENTS!r}, an amount of orders, "
                "and the count of the same orders",
            }[kind],
        )


def _check_pair(derived: Derived) -> None:
    name = derived.name
    if len(derived.operands) != 2:
        raise DefinitionError(f"{derived.kind} of {name or 'nothing'}", "takes two features")
    for operand in derived.operands:
        if isinstance(operand, str) and operand not in NUMERIC_ORDER_FEATURES:
            raise DefinitionError(
                f"feature {name!r}",
                f"{operand!r} is neither a velocity nor a number to reckon with: of the order "
                f"features take {', '.join(NUMERIC_ORDER_FEATURES)}",
            )
    left, right = derived.operands
    if left == right or is_same(left, right):
        always = "1 or null" if derived.kind is DerivedKind.QUOTIENT else "0"
        raise DefinitionError(
            f"feature {name!r}", f"is always {always}: take two different features"
        )
    short = _short_form(derived)
    if short is not None:
        raise DefinitionError(f"feature {name!r}", f"has a shorter name: write {short.name!r}")


def _short_form(derived: Derived) -> Derived | None:
    """The derived feature of a short kind that has the same operands."""
    left = derived.operands[0]
    if derived.kind is DerivedKind.DIFFERENCE or not isinstance(left, Velocity):
        return None
    for kind in (DerivedKind.MEAN, DerivedKind.CHARGEBACK_SHARE):
        if can_begin(kind, left) and derived.operands == operands_of(kind, left):
            return Derived(kind, derived.operands)
    return None
