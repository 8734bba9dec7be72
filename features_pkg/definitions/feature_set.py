"""A feature set and the three ids that say what depends on what (docs/semantics.md section 10)."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import cast

from features_pkg.definitions.catalogue import CATALOGUE, DERIVED_CATALOGUE, targets_of
from features_pkg.definitions.derived import Derived, Feature, feature_name
from features_pkg.definitions.order_features import ORDER_FEATURES
from features_pkg.definitions.velocity import Past, Velocity
from features_pkg.errors import DefinitionError
from features_pkg.identifiers import Event, Identifier
from features_pkg.orders.normalising import NORMALISERS_VERSION

SEMANTICS_VERSION = 1
"""Counted up when the meaning of any definition changes, so that no model meets another meaning."""

TIMELINES_LAYOUT = 2
"""Counted up when the bytes of a timeline change, so that they load beside the old ones."""


def _hash(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class FeatureSet:
    """The ordered features of a model, and all that their values depend on.

    `environment_id` covers zone, normalisers and semantics; `timelines_id` (12 hex digits) that
    and what the timelines keep; `version` (16 hex digits) that, the definitions and the lag. So
    another window over the same timelines has another version but needs no new load:

    >>> from features_pkg.definitions.velocity import parse_name
    >>> lag = timedelta(hours=4)
    >>> week = FeatureSet("UTC", lag, (parse_name("card_orders_7d_distant"),))
    >>> month = FeatureSet("UTC", lag, (parse_name("card_orders_30d_distant"),))
    >>> week.version == month.version, week.timelines_id == month.timelines_id
    (False, True)

    Raises:
        DefinitionError: for a derived feature that appears twice, or that reads what the set lacks.
    """

    timezone: str
    snapshot_lag: timedelta
    # A factory, so that `help` does not print the whole catalogue in the signature.
    velocities: tuple[Velocity, ...] = field(default_factory=lambda: CATALOGUE)
    """In the order of the stored vector; by default the catalogue."""
    derived: tuple[Derived, ...] = cast("tuple[Derived, ...]", None)
    """Beside the catalogue's velocities by default the catalogue's, beside others none."""

    def __post_init__(self) -> None:
        if cast(object, self.derived) is None:
            default = DERIVED_CATALOGUE if self.velocities == CATALOGUE else ()
            object.__setattr__(self, "derived", default)
        _check_derived(self)

    @property
    def order_features(self) -> tuple[str, ...]:
        """The names of the order features, which every set has."""
        return ORDER_FEATURES

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The features in the order of the stored vector: velocities, of the order, derived."""
        features: tuple[Feature, ...] = (*self.velocities, *self.order_features, *self.derived)
        return tuple(feature_name(feature) for feature in features)

    @cached_property
    def targets(self) -> dict[tuple[Identifier, Event], tuple[Identifier, ...]]:
        """Per (identifier, event) that features look at, the targets that they count.

        Whoever computes all features needs these: a training set, or `point_in_time`.
        """
        return targets_of(self.velocities)

    @cached_property
    def timeline_targets(self) -> dict[tuple[Identifier, Event], tuple[Identifier, ...]]:
        """Per (identifier, event) that timelines keep, the targets whose values they count.

        Recent features are not read off timelines, so another one changes nothing here.
        """
        return targets_of(v for v in self.velocities if v.past is not Past.RECENT)

    def velocities_of(self, identifier: Identifier) -> tuple[Velocity, ...]:
        """The velocities of one identifier, in their order."""
        return tuple(v for v in self.velocities if v.identifier is identifier)

    def targets_by_event(self, identifier: Identifier) -> dict[Event, tuple[Identifier, ...]]:
        """`targets` of one identifier, by event."""
        return _by_event(self.targets, identifier)

    def timeline_targets_by_event(
        self, identifier: Identifier
    ) -> dict[Event, tuple[Identifier, ...]]:
        """`timeline_targets` of one identifier, by event."""
        return _by_event(self.timeline_targets, identifier)

    @cached_property
    def environment_id(self) -> str:
        """What every value depends on."""
        return _hash([self.timezone, NORMALISERS_VERSION, SEMANTICS_VERSION])[:16]

    @cached_property
    def timelines_id(self) -> str:
        """The namespace of snapshots and of the online store."""
        by_entity = self.timeline_targets.items()
        targets = [[identifier, event, list(names)] for (identifier, event), names in by_entity]
        return _hash([self.environment_id, TIMELINES_LAYOUT, targets])[:12]

    @cached_property
    def version(self) -> str:
        """What a model carries: it is served only where this is equal."""
        lag_us = self.snapshot_lag // timedelta(microseconds=1)
        return _hash([self.environment_id, lag_us, list(self.names)])[:16]


def _by_event(
    targets: dict[tuple[Identifier, Event], tuple[Identifier, ...]], identifier: Identifier
) -> dict[Event, tuple[Identifier, ...]]:
    return {event: counted for (name, event), counted in targets.items() if name is identifier}


def _check_derived(features: FeatureSet) -> None:
    present: set[Feature] = {*features.velocities, *features.order_features}
    for derived in features.derived:
        for operand in derived.operands:
            if operand not in present:
                raise DefinitionError(
                    derived.name,
                    f"reads {feature_name(operand)}, which the feature set does not have: "
                    "add that, or leave this out",
                )
        if derived in present:
            raise DefinitionError(derived.name, "appears twice: leave one out")
        present.add(derived)
