"""What a process serves: one feature set and one model of it, and what they need to be asked."""

from dataclasses import dataclass

from features_pkg.calendar import Calendar
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.engines.one_order import Evaluator
from features_pkg.entity_keys import EntityKeys
from features_pkg.models.loading import Model
from features_pkg.orders.order import Order


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """Fixed for the life of a process."""

    feature_set: FeatureSet
    model: Model
    keys: EntityKeys
    calendar: Calendar
    evaluator: Evaluator
    max_stale: int
    """How many days a snapshot may be older than the one that the instant asks for."""

    @classmethod
    def of(
        cls, feature_set: FeatureSet, model: Model, *, entity_key: bytes, max_stale: int
    ) -> "Served":
        """What it takes to serve `model`, which was loaded for `feature_set`."""
        return cls(
            feature_set=feature_set,
            model=model,
            keys=EntityKeys(entity_key, feature_set.timelines_id),
            calendar=Calendar(feature_set.timezone),
            evaluator=Evaluator(feature_set),
            max_stale=max_stale,
        )

    def warm_up(self, at_us: int) -> None:
        """Do what the first evaluation at about this instant would otherwise wait for."""
        nothing = Order(order_id="", amount_cents=0)
        self.due_day(at_us)
        self.model.score(self.evaluator.vector(nothing, at_us, None, None).values)

    def due_day(self, at_us: int) -> int:
        """The day (ordinal) of the snapshot that the rule names for an instant."""
        return self.calendar.as_of(at_us, self.feature_set.snapshot_lag)
