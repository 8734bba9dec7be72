"""How many bytes the timelines of a candidate's entities have, with it and without."""

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from features_pkg.calendar import Calendar
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.definitions.velocity import Past, Velocity
from features_pkg.shuffle import explode, snapshot_timelines
from ontem.lab.source import ChosenOrders
from ontem.lab.values import PastOrders


@dataclass(frozen=True, slots=True)
class TimelineBytes:
    """The mean bytes of a timeline of the sampled orders' entities, and how many come with it."""

    mean: float
    more: float


def timeline_bytes(
    past: PastOrders, features: FeatureSet, velocities: tuple[Velocity, ...], orders: ChosenOrders
) -> TimelineBytes | None:
    """The bytes of the entities that the velocities read from timelines; None if they read none.

    Timelines are made, with what they keep now and with what the candidate needs, of all events of
    the entities that the orders name.
    """
    distant = tuple(v for v in velocities if v.past is not Past.RECENT)
    if not distant:
        return None
    identifiers = {velocity.identifier for velocity in distant}
    present = tuple(v for v in features.velocities if v.identifier in identifiers)
    near = past.near(orders.order_pk, identifiers).rows
    before = _mean_bytes(near, features, present)
    after = _mean_bytes(near, features, tuple(dict.fromkeys((*present, *distant))))
    return TimelineBytes(before, after - before)


def _mean_bytes(orders: pa.Table, settings: FeatureSet, velocities: tuple[Velocity, ...]) -> float:
    features = FeatureSet(settings.timezone, settings.snapshot_lag, velocities)
    rows = explode(orders, features.timeline_targets)
    table = snapshot_timelines(rows, features, Calendar(features.timezone))
    of_entities = table.filter(pc.not_equal(table["identifier"], "merchant"))
    return float(pc.mean(pc.binary_length(of_entities["timeline"])).as_py() or 0.0)
