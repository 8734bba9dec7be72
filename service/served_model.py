"""What a process serves: one model, its feature set, and what it takes to compute a vector."""

from dataclasses import dataclass

from features_pkg.calendar import Calendar
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.engines.one_order import Evaluator
from features_pkg.entity_keys import EntityKeys
from features_pkg.models.loading import Model


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedFeatures:
    """A feature set, and what it takes to read the past of an order and compute its vector."""

    feature_set: FeatureSet
    keys: EntityKeys
    calendar: Calendar
    evaluator: Evaluator
    max_stale_days: int
    """How many days older than the due one a snapshot may be."""

    @classmethod
    def of_set(
        cls, feature_set: FeatureSet, *, entity_secret: bytes, max_stale_days: int
    ) -> "ServedFeatures":
        """The features of a set, without a model."""
        return ServedFeatures(
            feature_set=feature_set,
            keys=EntityKeys(entity_secret, feature_set.timelines_id),
            calendar=Calendar(feature_set.timezone),
            evaluator=Evaluator(feature_set),
            max_stale_days=max_stale_days,
        )

    def due_day(self, at_us: int) -> int:
        """The day (ordinal) whose snapshot is due at an instant."""
        return self.calendar.due_day(at_us, self.feature_set.snapshot_lag)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedModel(ServedFeatures):
    """One model with its feature set; the same for the life of a process."""

    model: Model

    @classmethod
    def of(
        cls, feature_set: FeatureSet, model: Model, *, entity_secret: bytes, max_stale_days: int
    ) -> "ServedModel":
        """`model`, which was loaded for `feature_set`, ready to be served."""
        served = ServedFeatures.of_set(
            feature_set, entity_secret=entity_secret, max_stale_days=max_stale_days
        )
        return cls(
            feature_set=feature_set,
            model=model,
            keys=served.keys,
            calendar=served.calendar,
            evaluator=served.evaluator,
            max_stale_days=max_stale_days,
        )
