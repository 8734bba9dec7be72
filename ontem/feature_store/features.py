"""The features of a feature set by their names, and the group that each is in."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from features_pkg.definitions.catalogue import served
from features_pkg.definitions.derived import Derived, Feature, parse_feature
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.definitions.velocity import Velocity
from features_pkg.errors import DefinitionError
from ontem.feature_store.errors import FeatureUnknown
from ontem.feature_store.words.errors import NameUnknown
from ontem.feature_store.words.nearest import read_name
from stores.settings import Settings

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

    Order features are in every set, so they may be named or left out. Raises NameUnknown for a name
    that means nothing, and DefinitionError for a feature that appears twice or can't be served.
    """
    shipped = FeatureSet(settings.timezone, settings.snapshot_lag)
    if features is None:
        return shipped
    definitions = [_parsed(each, shipped.names) for each in _listed(features)]
    velocities = served(tuple(each.name for each in definitions if isinstance(each, Velocity)))
    derived = tuple(each for each in definitions if isinstance(each, Derived))
    return FeatureSet(settings.timezone, settings.snapshot_lag, velocities, derived)


def extended(features: FeatureSet, more: Iterable[Feature]) -> list[Feature]:
    """The features of a set but those of orders, and after them those of `more` that it lacks."""
    present: list[Feature] = [*features.velocities, *features.derived]
    added = [_parsed(each, features.names) for each in _listed(more)]
    return [*dict.fromkeys([*present, *added])]


def _listed(features: Iterable[Feature]) -> Iterable[Feature]:
    if isinstance(features, str):
        raise DefinitionError(f"features {features!r}", "is one name: give a list of them")
    if not hasattr(features, "__iter__"):
        raise DefinitionError(f"features {features!r}", "is not a list of definitions or names")
    return features


def _parsed(feature: object, known: Sequence[str]) -> Feature:
    """The definition. Raises NameUnknown, with the nearest of the `known` names."""
    if isinstance(feature, str):
        return read_name(feature, known)
    if not isinstance(feature, Velocity | Derived):
        raise DefinitionError(f"feature {feature!r}", "is neither a definition nor a name")
    return feature


def definition_of(features: FeatureSet, name: str) -> Feature:
    """The definition of the feature that has this name in the set. Raises FeatureUnknown."""
    if name not in features.names:
        raise FeatureUnknown(name=str(name), known=features.names, reason=_why_none(name))
    return parse_feature(name)


def _why_none(name: str) -> str:
    """That a name stands for a feature that this set does not have; empty if it stands for none."""
    try:
        parse_feature(name)
    except DefinitionError:
        return ""
    return "it can be computed: open a FeatureStore with it among `features`"


def group_of(feature: Feature) -> GroupKey:
    """The group of a feature: its identifier and its past; of a derived one those it reads."""
    if isinstance(feature, Velocity):
        return GroupKey(feature.identifier, feature.past or BOTH)
    velocities = () if isinstance(feature, str) else feature.velocities
    if not velocities:
        return GroupKey(ORDER, ORDER)
    identifiers = dict.fromkeys(velocity.identifier for velocity in velocities)
    pasts = {velocity.past or BOTH for velocity in velocities}
    return GroupKey(" and ".join(identifiers), pasts.pop() if len(pasts) == 1 else BOTH)


def window_text(feature: Feature) -> str | None:
    """The window as a name has it; None for what has none, or reads several."""
    if isinstance(feature, str):
        return None
    velocities = feature.velocities if isinstance(feature, Derived) else (feature,)
    texts = {None if each.window is None else each.window.text for each in velocities}
    return texts.pop() if len(texts) == 1 else None


def grouped(features: FeatureSet) -> dict[GroupKey, tuple[str, ...]]:
    """The names of the set's features by group, in the order of the set."""
    groups: dict[GroupKey, list[str]] = {}
    for name in features.names:
        groups.setdefault(group_of(parse_feature(name)), []).append(name)
    return {key: tuple(names) for key, names in groups.items()}


def computable(features: FeatureSet, wanted: Iterable[Feature] | None) -> list[Feature]:
    """What `point_in_time` computes: all but the features of orders, or the wanted ones.

    Raises FeatureUnknown for a name that is none, DefinitionError for what is not even that, or
    not a list.
    """
    if wanted is None:
        return [*features.velocities, *features.derived]
    return [_computable(features, each) for each in _listed(wanted)]


def _computable(features: FeatureSet, feature: Feature) -> Feature:
    known = [name for name in features.names if name not in features.order_features]
    try:
        return _parsed(feature, known)
    except NameUnknown as refused:
        short = refused.reason.partition(";")[0]
        raise FeatureUnknown(name=refused.name, known=known, reason=short) from None
