"""One side of a comparison: the features of the code, of a model or of a training set."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.models.manifest import ModelManifest


class SideKind(StrEnum):
    """What has the features."""

    CODE = "code"
    MODEL = "model"
    TRAINING_SET = "training set"


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """The features that something has, in its order, and the ids of what they depend on.

    `training_set` is the one that a model was trained on, or the newest one of a version.
    """

    kind: SideKind
    name: str
    features: tuple[str, ...]
    feature_set: str
    timelines: str
    timezone: str
    snapshot_lag_seconds: float
    training_set: str = ""

    @property
    def title(self) -> str:
        """What it is, for people."""
        if self.kind is SideKind.CODE:
            return "the code"
        return f"{self.kind} {self.name}"


def side_of_code(features: FeatureSet) -> Side:
    """The features that this code ships, under the settings."""
    return Side(
        kind=SideKind.CODE,
        name="code",
        features=features.names,
        feature_set=features.version,
        timelines=features.timelines_id,
        timezone=features.timezone,
        snapshot_lag_seconds=features.snapshot_lag.total_seconds(),
    )


def side_of_model(manifest: ModelManifest) -> Side:
    """The features that a model reads."""
    return Side(
        kind=SideKind.MODEL,
        name=manifest.name,
        features=manifest.features,
        feature_set=manifest.feature_set,
        timelines=manifest.timelines,
        timezone=manifest.timezone,
        snapshot_lag_seconds=manifest.snapshot_lag_seconds,
        training_set=manifest.training_set,
    )
