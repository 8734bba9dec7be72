"""What an evaluation could not read, and which features are null for it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from features_pkg.definitions.velocity import Past, Velocity
from features_pkg.identifiers import MERCHANT

if TYPE_CHECKING:
    from features_pkg.definitions.feature_set import FeatureSet

DISTANT: Final = "distant"
RECENT: Final = "recent"
HISTORY_DAYS: Final = "merchant_history_days"


def distant_of(identifier: str) -> str:
    """The word for: the distant past of this identifier's entities could not be read."""
    return f"{DISTANT}:{identifier}"


def needs(velocity: Velocity) -> frozenset[str]:
    """The parts of the past that a velocity is computed from."""
    since_cutoff = velocity.window is not None and velocity.window.is_since_cutoff
    if velocity.measure.is_age or since_cutoff:
        return frozenset((DISTANT, RECENT))
    return frozenset((DISTANT if velocity.past is Past.DISTANT else RECENT,))


def null_features(features: FeatureSet, missing: Iterable[str]) -> frozenset[str]:
    """The names of the features that are null where `missing` could not be read."""
    lacking = frozenset(missing)
    null = {
        velocity.name
        for velocity in features.velocities
        if needs(velocity) & lacking
        or (DISTANT in needs(velocity) and distant_of(velocity.identifier) in lacking)
    }
    if lacking & {DISTANT, distant_of(MERCHANT)}:
        null.add(HISTORY_DAYS)
    null |= {each.name for each in features.derived if not null.isdisjoint(each.operand_names)}
    return frozenset(null)
