"""The features that are asked of a table of orders, and what has to be computed for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from features_pkg.definitions.catalogue import CATALOGUE, DERIVED_CATALOGUE
from features_pkg.definitions.derived import (
    AMOUNT_CENTS,
    Derived,
    Feature,
    feature_name,
    parse_feature,
)
from features_pkg.definitions.order_features import NUMERIC_ORDER_FEATURES
from features_pkg.definitions.velocity import Velocity
from features_pkg.errors import DefinitionError
from features_pkg.identifiers import Identifier
from features_pkg.measures import MEASURES

_READ_BY: Final = {AMOUNT_CENTS: AMOUNT_CENTS, "different_products": Identifier.PRODUCT}
"""The column that an order feature reads."""


@dataclass(frozen=True, slots=True)
class AskedFeatures:
    """The features that are asked for; the rest is what has to be computed for them."""

    features: tuple[Feature, ...]

    @property
    def derived(self) -> tuple[Derived, ...]:
        """The derived features that are asked for."""
        return tuple(each for each in self.features if isinstance(each, Derived))

    @property
    def velocities(self) -> tuple[Velocity, ...]:
        """The velocities that are asked for, or that one of those reads."""
        return tuple(each for each in self._plain() if isinstance(each, Velocity))

    @property
    def order_features(self) -> tuple[str, ...]:
        """The order features that are asked for, or that one of those reads."""
        return tuple(each for each in self._plain() if isinstance(each, str))

    @property
    def column_names(self) -> tuple[str, ...]:
        """The columns of orders to read; `chargeback_at` is always checked where there is one."""
        names = {"order_id", "merchant_id", "event_at", "chargeback_at"}
        names.update(_READ_BY[name] for name in self.order_features if name in _READ_BY)
        for velocity in self.velocities:
            names.add(velocity.identifier)
            if velocity.target is not None:
                names.add(velocity.target)
            if MEASURES[velocity.measure].reads_amounts:
                names.add(AMOUNT_CENTS)
        return tuple(sorted(names))

    def _plain(self) -> Iterator[Feature]:
        """What is not derived, each once: what is asked for, then what that reads."""
        operands = (operand for each in self.derived for operand in each.operands)
        return (
            each
            for each in dict.fromkeys((*self.features, *operands))
            if not isinstance(each, Derived)
        )


def read_features(features: Iterable[Feature] | None) -> AskedFeatures:
    """The definitions of `features`; an order feature is its name."""
    if features is None:
        return AskedFeatures((*CATALOGUE, *DERIVED_CATALOGUE))
    if isinstance(features, str):
        raise DefinitionError(f"features {features!r}", "is one name: give a list of them")
    if not hasattr(features, "__iter__"):
        raise DefinitionError(f"features {features!r}", "is not a list of definitions or names")
    definitions = tuple(_read_feature(feature) for feature in features)
    seen: set[Feature] = set()
    for definition in definitions:
        if definition in seen:
            raise DefinitionError(feature_name(definition), "appears twice: leave one out")
        seen.add(definition)
    return AskedFeatures(definitions)


def _read_feature(feature: object) -> Feature:
    if isinstance(feature, Velocity | Derived):
        return feature
    if not isinstance(feature, str):
        raise DefinitionError(f"feature {feature!r}", "is neither a definition nor a name")
    found = parse_feature(feature)
    if isinstance(found, str) and found not in NUMERIC_ORDER_FEATURES:
        raise DefinitionError(
            f"feature {found!r}",
            "is computed in requests and training sets only: of the order features take "
            f"{', '.join(NUMERIC_ORDER_FEATURES)} here",
        )
    return found
