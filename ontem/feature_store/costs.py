"""What a feature costs: bytes of an entity's timeline, and the time to read it, both measured."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from features_pkg.calendar import HOUR_US, Calendar, from_us
from features_pkg.definitions.derived import Derived, Feature
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.definitions.missing import HISTORY_DAYS
from features_pkg.definitions.order_features import OrderContext, order_feature_values
from features_pkg.definitions.velocity import Past, Velocity
from features_pkg.engines.derivation import derived_values
from features_pkg.fold.counts import counts_of
from features_pkg.fold.states import States
from features_pkg.fold.unpacking import unpack_states
from features_pkg.history.recent_events import RecentEvent
from features_pkg.identifiers import IDENTIFIERS, MERCHANT, Identifier
from features_pkg.measures import MEASURES
from features_pkg.measures.inputs import EntityPast, Instants
from features_pkg.orders.order import Order
from features_pkg.shuffle import STATE
from features_pkg.timelines.build import encode_all
from features_pkg.timelines.read import decode
from ontem.feature_store.figures import Figure

TURNS: Final = 5
"""How often the time is taken; the shortest counts, as others use the machine, too."""
MOST_TIMED: Final = 1_000
RECENT_EVENTS: Final = 10
"""Of so many events of the last hour a recent feature is timed."""
NO_SNAPSHOT: Final = "not known before there is a snapshot: run `ontem night`"
NOTHING_STORED: Final = "nothing is stored for it"


@dataclass(frozen=True, slots=True)
class Sample:
    """Some entities of a snapshot: their keys are hashes, so a range of them is a fair sample.

    `rows` has their `identifier`, `timeline` and `state`.
    """

    name: str
    day: date
    rows: pa.Table

    def of(self, identifier: str) -> pa.Table:
        """Those of one identifier."""
        return self.rows.filter(pc.equal(self.rows["identifier"], identifier))


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What a feature costs.

    `entity_bytes` is a whole timeline, which all features of the identifier share; `own_bytes` is
    what one would take that served this feature alone.
    """

    entity_bytes: Figure
    own_bytes: Figure
    microseconds: Figure


def costs_of(features: FeatureSet, feature: Feature, sample: Sample | None) -> Costs:
    """The costs of a feature, on this machine and on the sample of a snapshot, if there is one."""
    if isinstance(feature, str):
        return _of_order(features, feature, sample)
    if isinstance(feature, Derived):
        return _of_derived(feature)
    if feature.past is Past.RECENT:
        stored = Figure(0.0, f"{NOTHING_STORED}: a request counts rows of PostgreSQL")
        return Costs(entity_bytes=stored, own_bytes=stored, microseconds=_recent_time(feature))
    rows = None if sample is None else sample.of(feature.identifier)
    if sample is None or rows is None or not rows.num_rows:
        unknown = Figure(None, _why_none(feature, sample))
        return Costs(entity_bytes=unknown, own_bytes=unknown, microseconds=unknown)
    source = f"mean of {rows.num_rows:,} timelines of {feature.identifier} in {sample.name}"
    alone = f"of a timeline for this feature alone, {source}"
    return Costs(
        entity_bytes=Figure(_mean_length(rows["timeline"].combine_chunks()), source),
        own_bytes=Figure(_own_bytes(features, feature, rows), alone),
        microseconds=_distant_time(features, feature, sample, rows),
    )


def _why_none(feature: Velocity, sample: Sample | None) -> str:
    if sample is None:
        return NO_SNAPSHOT
    return f"not known: the sample of {sample.name} has no {feature.identifier}"


def _of_order(features: FeatureSet, name: str, sample: Sample | None) -> Costs:
    stored = Figure(0.0, f"{NOTHING_STORED}: it is read off the order")
    if name == HISTORY_DAYS:
        rows = None if sample is None else sample.of(MERCHANT)
        stored = Figure(None, NO_SNAPSHOT)
        if sample is not None and rows is not None and rows.num_rows:
            length = _mean_length(rows["timeline"].combine_chunks())
            stored = Figure(length, f"mean of the merchants' timelines in {sample.name}")
    calendar, order = Calendar(features.timezone), Order(order_id="o", amount_cents=1)
    context = OrderContext(order, calendar.local(0), 1)
    seconds = _shortest(lambda: order_feature_values(context), MOST_TIMED)
    share = seconds * 1e6 / len(features.order_features)
    all_at_once = f"its share of all {len(features.order_features)} order features, on this machine"
    return Costs(entity_bytes=stored, own_bytes=stored, microseconds=Figure(share, all_at_once))


def _of_derived(derived: Derived) -> Costs:
    stored = Figure(0.0, f"{NOTHING_STORED}: it is computed from what it reads")
    values = [1.0] * len(derived.operands)
    compute = derived_values([derived], derived.operand_names)
    seconds = _shortest(lambda: compute(values), MOST_TIMED)
    beside = "to compute it from what it reads, on this machine"
    return Costs(entity_bytes=stored, own_bytes=stored, microseconds=Figure(seconds * 1e6, beside))


def _mean_length(contents: pa.Array) -> float:
    return float(pc.mean(pc.binary_length(contents)).as_py())


def _own_bytes(features: FeatureSet, velocity: Velocity, rows: pa.Table) -> float:
    """The mean bytes of the same timelines with the event and the target of one velocity alone."""
    targets = features.timeline_targets_by_event(velocity.identifier)
    states = unpack_states(rows[STATE], targets)
    part = states.events[velocity.event]
    values = {target: part.values[target] for target in part.values if target == velocity.target}
    alone = States(states.base, {velocity.event: replace(part, values=values)})
    return _mean_length(encode_all(counts_of(alone)))


def _distant_time(
    features: FeatureSet, velocity: Velocity, sample: Sample, rows: pa.Table
) -> Figure:
    contents = rows["timeline"].slice(0, MOST_TIMED).to_pylist()
    pasts = [EntityPast((), decode(content).of(velocity.event)) for content in contents]
    due_day = sample.day.toordinal()
    cutoff_us = Calendar(features.timezone).cutoff_us(due_day)
    targets = features.timeline_targets.get((velocity.identifier, velocity.event), ())
    known = [past for past in pasts if past.timeline is not None]
    if not known:
        return Figure(None, f"not known: nothing of the kind happened in {sample.name}")
    at = Instants(cutoff_us, due_day, cutoff_us)
    return _reading_time(velocity, targets, known, at, f"{len(known):,} timelines in {sample.name}")


def _recent_time(velocity: Velocity) -> Figure:
    at_us = HOUR_US
    past = EntityPast([_event(velocity, at_us - age) for age in range(1, RECENT_EVENTS + 1)], None)
    at = Instants(at_us, from_us(at_us).toordinal(), 0)
    described = f"{RECENT_EVENTS} events of the last hour"
    return _reading_time(velocity, (), [past] * (MOST_TIMED // RECENT_EVENTS), at, described)


def _event(velocity: Velocity, at_us: int) -> RecentEvent:
    """An event of the feature's entity, with a value of its own that the feature counts."""
    values: dict[str, Any] = dict.fromkeys(IDENTIFIERS)
    if velocity.target is not None:
        values[velocity.target] = [f"{at_us}"] if velocity.target.several else f"{at_us}"
    return RecentEvent(velocity.identifier, "", velocity.event, at_us, 1, **values)


def _reading_time(
    velocity: Velocity,
    targets: Sequence[Identifier],
    pasts: Sequence[EntityPast],
    at: Instants,
    of: str,
) -> Figure:
    read = MEASURES[velocity.measure].one_order(velocity, targets)

    def read_all() -> None:
        for past in pasts:
            read(past, at)

    microseconds = _shortest(read_all, 1) * 1e6 / len(pasts)
    return Figure(microseconds, f"to read it off {of}, on this machine; decoding is shared")


def _shortest(work: Callable[[], object], repeats: int) -> float:
    """The seconds that one call takes, by the shortest of some turns."""
    seconds = []
    for _ in range(TURNS):
        start = time.perf_counter()
        for _ in range(repeats):
            work()
        seconds.append((time.perf_counter() - start) / repeats)
    return min(seconds)
