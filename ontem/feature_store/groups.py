"""Groups of features: who makes them, how often, and as of when they are."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from statistics import median
from typing import Final

from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.definitions.missing import RECENT
from ontem.feature_store.errors import GroupUnknown
from ontem.feature_store.features import ORDER, GroupKey, grouped
from ontem.feature_store.figures import Figure
from ontem.feature_store.shown import html_table, text_table
from stores.postgres.loads import LoadRow
from stores.postgres.runs import RunRow
from stores.redis.load_list import Load

LOADS_LOOKED_AT: Final = 30
NOT_YET: Final = "no load is published yet: run `ontem night`"
HEAD: Final = ("identifier", "past", "features", "owner", "cadence", "freshness")


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """As of which day the distant past is that requests read now.

    Everything before the first instant of `as_of` is in it. `due` is the day that requests ask for
    now. Without a load all but the reason are None.
    """

    as_of: date | None = None
    load_id: int | None = None
    published_at: datetime | None = None
    due: date | None = None
    reason: str

    @property
    def stale_days(self) -> int | None:
        """How many days older than the due one it is; 0 is fresh."""
        return (self.due - self.as_of).days if self.as_of and self.due else None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureGroup:
    """The features of one identifier and one past."""

    identifier: str
    past: str
    features: tuple[str, ...]
    owner: str
    """Who makes the values, or why nobody is on record."""
    cadence_days: Figure
    """How many days lie between one making and the next; 0 for what each request computes."""
    freshness: Freshness

    @property
    def row(self) -> tuple[str, ...]:
        """The group in words, as the table of all groups has it."""
        return (
            self.identifier,
            self.past,
            str(len(self.features)),
            self.owner,
            self.cadence_days.reason,
            self.freshness.reason,
        )


@dataclass(frozen=True, slots=True, repr=False)
class FeatureGroups:
    """The groups of a feature set, in its order."""

    version: str
    all: tuple[FeatureGroup, ...]

    def __iter__(self) -> Iterator[FeatureGroup]:
        return iter(self.all)

    def __len__(self) -> int:
        return len(self.all)

    def __getitem__(self, key: tuple[str, str]) -> FeatureGroup:
        """The group of an identifier and a past, such as `groups["card", "distant"]`.

        Raises GroupUnknown.
        """
        for group in self.all:
            if (group.identifier, group.past) == key:
                return group
        raise GroupUnknown(key=key, known=[(each.identifier, each.past) for each in self.all])

    def __repr__(self) -> str:
        return text_table(self._title, HEAD, [each.row for each in self.all])

    def _repr_html_(self) -> str:
        return html_table(self._title, HEAD, [each.row for each in self.all])

    @property
    def _title(self) -> str:
        return f"{len(self.all)} groups of feature set {self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loads:
    """What is on record of the loads of a feature set's timelines.

    `published` are those that were published and not withdrawn, oldest first. Requests of the day
    `due` read `read` now, whose row in PostgreSQL is `row`, and which the run `run` made.
    """

    published: Sequence[LoadRow]
    read: Load | None
    row: LoadRow | None
    run: RunRow | None
    due: date


def groups_of(features: FeatureSet, loads: Loads) -> FeatureGroups:
    """The groups of a feature set by what is on record."""
    made = {key: _group(key, names, loads) for key, names in grouped(features).items()}
    return FeatureGroups(features.version, tuple(made.values()))


def _group(key: GroupKey, names: tuple[str, ...], loads: Loads) -> FeatureGroup:
    if key.past == ORDER:
        owner, cadence, fresh = "the order itself", "with each order", "the order's own instant"
    elif key.past == RECENT:
        owner, cadence = "the service, from PostgreSQL", "with each request"
        fresh = "all that was stored before the question"
    else:
        return FeatureGroup(
            identifier=key.identifier,
            past=key.past,
            features=names,
            owner=_owner(loads),
            cadence_days=_cadence(loads),
            freshness=_freshness(loads),
        )
    return FeatureGroup(
        identifier=key.identifier,
        past=key.past,
        features=names,
        owner=owner,
        cadence_days=Figure(0.0, cadence),
        freshness=Freshness(reason=fresh),
    )


def _owner(loads: Loads) -> str:
    if loads.read is None:
        return "nobody yet"
    if loads.run is None:
        return f"not known: no run on record made load {loads.read.load_id}"
    return f"ontem {loads.run.command}, run by {loads.run.started_by}"


def _cadence(loads: Loads) -> Figure:
    days = [load.as_of for load in loads.published[-LOADS_LOOKED_AT:]]
    if len(days) < 2:
        loaded = "one load" if days else "no load"
        return Figure(None, f"not known from {loaded}")
    between = float(median((later - earlier).days for earlier, later in pairwise(days)))
    every = "every day" if between == 1 else f"every {between:g} days"
    return Figure(between, f"{every}, by the last {len(days)} loads")


def _freshness(loads: Loads) -> Freshness:
    read = loads.read
    if read is None:
        newest = loads.published[-1].as_of if loads.published else None
        too_old = f"the newest load, as of {newest}, can't be read now: run `ontem night`"
        return Freshness(due=loads.due, reason=too_old if newest else NOT_YET)
    as_of = date.fromordinal(read.as_of)
    published_at = None if loads.row is None else loads.row.published_at
    published = f"{published_at:%Y-%m-%d %H:%M}Z" if published_at else "at a time not on record"
    behind = (loads.due - as_of).days
    late = f", {behind} days older than the due one" if behind > 0 else ""
    return Freshness(
        as_of=as_of,
        load_id=read.load_id,
        published_at=published_at,
        due=loads.due,
        reason=f"as of {as_of}, published {published} as load {read.load_id}{late}",
    )
