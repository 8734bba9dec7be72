"""The features of a feature set by their names, and the group that each is in."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.definitions.missing import HISTORY_DAYS
from features_pkg.definitions.velocity import Velocity, parse_name
from features_pkg.errors import DefinitionError
from ontem.feature_store.errors import FeatureUnknown
from stores.settings import Settings

Feature = Velocity | str
"""A definition; an order feature is its name."""

ORDER: Final = "order"
"""What stands for the order itself, in the place of an identifier and of a past."""
BOTH: Final = "distant and recent"
"""The past of what looks at all that was before the question."""


class GroupKey(NamedTuple):
    """What the features of a group have in common."""

    identifier: str
    past: str


def feature_set_of(settings: Settings, features: Iterable[Feature] | None) -> FeatureSet:
    """The feature set of these features under the settings; None is the catalogue's.

    Order features are in every set, so they may be named or left out. Raises DefinitionError.
    """
    if features is None:
        return FeatureSet(settings.timezone, settings.snapshot_lag)
    if isinstance(features, str):
        raise DefinitionError(f"features {features!r}", "is one name: give a list of them")
    shipped = FeatureSet(settings.timezone, settings.snapshot_lag)
    definitions = [_parsed(each, shipped) for each in features]
    velocities = tuple(each for each in definitions if isinstance(each, Velocity))
    return FeatureSet(settings.timezone, settings.snapshot_lag, velocities)


def _parsed(feature: Feature, shipped: FeatureSet) -> Feature:
    if isinstance(feature, Velocity) or feature in shipped.order_features:
        return feature
    return parse_name(feature)


def definition_of(features: FeatureSet, name: str) -> Feature:
    """The definition of the feature that has this name in the set. Raises FeatureUnknown."""
    if name not in features.names:
        raise FeatureUnknown(name=str(name), known=features.names, reason=_why_none(name))
    return name if name in features.order_features else parse_name(name)


def _why_none(name: str) -> str:
    """Why a name stands for no feature, or that it does for one that this set does not have."""
    try:
        parse_name(name)
    except DefinitionError:
        return ""
    return "it can be computed: open a FeatureStore with it among `features`"


def group_of(feature: Feature) -> GroupKey:
    """The group of a feature: its identifier and its past."""
    if isinstance(feature, str):
        return GroupKey(ORDER, ORDER)
    return GroupKey(feature.identifier, feature.past or BOTH)


def grouped(features: FeatureSet) -> dict[GroupKey, tuple[str, ...]]:
    """The names of the set's features by group, in the order of the set."""
    groups: dict[GroupKey, list[str]] = {}
    for name in features.names:
        groups.setdefault(group_of(definition_of(features, name)), []).append(name)
    return {key: tuple(names) for key, names in groups.items()}


def computable(features: FeatureSet, wanted: Iterable[Feature] | None) -> list[Feature]:
    """What `point_in_time` computes: all features of the past, or the wanted ones.

    Raises FeatureUnknown for a name that is none, DefinitionError for a text in place of a list.
    """
    if wanted is None:
        return [*features.velocities]
    if isinstance(wanted, str):
        raise DefinitionError(f"features {wanted!r}", "is one name: give a list of them")
    return [_computable(features, each) for each in wanted]


def _computable(features: FeatureSet, feature: Feature) -> Feature:
    if isinstance(feature, str) and feature != HISTORY_DAYS:
        try:
            return parse_name(feature)
        except DefinitionError as refused:
            known = [each.name for each in features.velocities]
            raise FeatureUnknown(name=feature, known=known, reason=refused.reason) from None
    return feature
