"""Why the feature store can't say what it is asked."""

from collections.abc import Sequence
from datetime import date, datetime

from features_pkg.errors import OntemError
from features_pkg.orders.fields.instant import out_of_range
from features_pkg.orders.limits import YEARS
from ontem.feature_store.words.nearest import nearest_names


def _nearest_are(near: Sequence[str]) -> str:
    return f"the nearest are {', '.join(near)}" if near else "there is none"


class FeatureStoreError(OntemError):
    """Base of the refusals of the feature store."""


class FeatureUnknown(FeatureStoreError):
    """A name that no feature of the feature set has; `nearest` has those that are like it."""

    def __init__(self, *, name: str, known: Sequence[str], reason: str = "") -> None:
        self.name, self.nearest = name, nearest_names(name, known)
        why = f" ({reason})" if reason else ""
        remedy = f"{_nearest_are(self.nearest)}; look for others with FeatureStore.search"
        super().__init__(f"there is no feature {name!r} in this feature set{why}: {remedy}")


class GroupUnknown(FeatureStoreError):
    """No group has this identifier and this past."""

    def __init__(self, *, key: object, known: Sequence[tuple[str, str]]) -> None:
        names = [" / ".join(each) for each in known]
        asked = " / ".join(map(str, key)) if isinstance(key, tuple) else str(key)
        near = nearest_names(asked, names)
        super().__init__(f"there is no group {asked}: {_nearest_are(near)}")
        self.key, self.nearest = key, near


class ColumnUnknown(FeatureStoreError):
    """A column that a table of the feature store does not have."""

    def __init__(self, *, name: str, table: str, known: Sequence[str]) -> None:
        self.name, self.table, self.nearest = name, table, nearest_names(name, known)
        super().__init__(f"{table} has no column {name!r}: {_nearest_are(self.nearest)}")


class ColumnTwice(FeatureStoreError):
    """A column that is asked for twice."""

    def __init__(self, *, name: str) -> None:
        super().__init__(f"the column {name} is asked for twice: leave one out")
        self.name = name


class IdentifierUnknown(FeatureStoreError):
    """What is not an identifier of an order."""

    def __init__(self, *, name: str, known: Sequence[str]) -> None:
        self.name, self.nearest = name, nearest_names(name, known)
        super().__init__(f"there is no identifier {name!r}: {_nearest_are(self.nearest)}")


class KindUnknown(FeatureStoreError):
    """A kind of table that nothing is given as."""

    def __init__(self, *, kind: str, kinds: Sequence[str]) -> None:
        super().__init__(f"{kind!r} is not a kind of table: write one of {', '.join(kinds)}")
        self.kind, self.kinds = kind, tuple(kinds)


class CountRefused(FeatureStoreError):
    """A number of rows, or of hits, that is none."""

    def __init__(self, *, name: str, count: object) -> None:
        super().__init__(f"{name} is {count!r}: write a whole number from 1")
        self.name, self.count = name, count


class ClockRefused(FeatureStoreError):
    """What is not an instant, or one that no order can have."""

    def __init__(self, clock: object) -> None:
        reason = "is not an instant with a time zone"
        if isinstance(clock, datetime) and clock.utcoffset() is not None:
            reason = out_of_range(YEARS)
        super().__init__(
            f"the clock {clock!r} {reason}: write one such as "
            "datetime(2018, 5, 20, 15, tzinfo=UTC), or leave it out for now"
        )
        self.clock = clock


class KeyRefused(FeatureStoreError):
    """What is not the key of an entity; `position` counts from 0."""

    def __init__(self, *, position: int) -> None:
        super().__init__(
            f"entity {position} (counted from 0) is not the key of one: give a list of what "
            "FeatureStore.key says of a value, or the column `entity` has"
        )
        self.position = position


class LibraryMissing(FeatureStoreError):
    """A library that is not a part of Ontem and not installed."""

    def __init__(self, *, library: str) -> None:
        super().__init__(
            f"{library} is not installed: install it with `pip install {library}`, or take the "
            "Arrow table"
        )
        self.library = library


class TrainingSetMissing(FeatureStoreError):
    """The feature set has no such training set."""

    def __init__(self, *, version: str, feature_set: str, present: Sequence[str]) -> None:
        known = f"there are {', '.join(present)}" if present else "there is none yet"
        super().__init__(
            f"there is no training set {version} of feature set {feature_set}: {known}; "
            "`ontem training-set --from DAY --to DAY` builds one"
        )
        self.version, self.feature_set, self.present = version, feature_set, tuple(present)


class OtherTrainingSet(FeatureStoreError):
    """A training set that was built for another feature set."""

    def __init__(self, *, name: str, found: str, expected: str) -> None:
        super().__init__(
            f"{name} is a training set of feature set {found}, this store has {expected}: open a "
            "FeatureStore with the features it was built with, or name one of this feature set"
        )
        self.name, self.found, self.expected = name, found, expected


class DayMissing(FeatureStoreError):
    """There is no snapshot of a day.

    `buildable` are the first and the last day of which one can be built by now, if there is any.
    """

    def __init__(
        self,
        *,
        day: date,
        timelines: str,
        near: Sequence[date],
        buildable: tuple[date, date] | None,
    ) -> None:
        known = f"the nearest are {' and '.join(map(str, near))}" if near else "there is none yet"
        super().__init__(
            f"there is no snapshot as of {day} of timelines {timelines}: {known}; "
            f"{_how_to_build(day, buildable)}"
        )
        self.day, self.timelines, self.near = day, timelines, tuple(near)


def _how_to_build(day: date, buildable: tuple[date, date] | None) -> str:
    """What brings the snapshot of a day, or why nothing does."""
    if buildable is None:
        return "no order is from before a day that has begun: `ontem import` brings some"
    first, last = buildable
    if day > last:
        return f"that day has to begin before it can be built: name {last} or one before it"
    if day < first:
        return f"no order is from before that day: name {first} or one after it"
    return f"`ontem night --backfill {day} {day}` builds it"


class NotOfDay(FeatureStoreError):
    """A feature that the timelines of a day do not tell."""

    def __init__(self, *, name: str, reason: str) -> None:
        super().__init__(
            f"{name} can't be read off the snapshot of a day, because {reason}: "
            "take it from a training set or from `point_in_time`"
        )
        self.name, self.reason = name, reason


class DayRefused(FeatureStoreError):
    """What is not a day, or one that no order can have."""

    def __init__(self, day: object) -> None:
        reason = out_of_range(YEARS) if isinstance(day, date) else "is not a day"
        shown = str(day) if isinstance(day, date) else repr(day)
        super().__init__(f"{shown} {reason}: write a day like 2018-06-01, or give a date")
        self.day = day


class LoadMissing(FeatureStoreError):
    """No load is published that a question of now could read."""

    def __init__(self, *, due: date, max_stale_days: int, timelines: str, listed: str) -> None:
        super().__init__(
            f"no load as of {due}, or at most {max_stale_days} days older, is published for "
            f"timelines {timelines} ({listed}): run `ontem night`"
        )
        self.due, self.max_stale_days, self.timelines = due, max_stale_days, timelines


class OnlineUnreadable(FeatureStoreError):
    """A store answered, and not as it should."""

    def __init__(self, *, store: str, reason: str) -> None:
        super().__init__(
            f"{store} can't be read now ({reason}): ask again; if that does not help, look at "
            "`ontem snapshots` and at the server's log"
        )
        self.store, self.reason = store, reason


class MerchantNotNamed(FeatureStoreError):
    """No merchant was named, and there is not just one."""

    def __init__(self, *, names: Sequence[str]) -> None:
        known = f"there are {', '.join(names)}" if names else "`ontem merchant create` makes one"
        super().__init__(f"say whose orders they are with `merchant`: {known}")
        self.names = tuple(names)


class EntityRefused(FeatureStoreError):
    """A value that no entity can have."""

    def __init__(self, *, identifier: str, reason: str) -> None:
        super().__init__(f"{identifier}: {reason}: give a value that an order can have")
        self.identifier, self.reason = identifier, reason


class OrderRefused(FeatureStoreError):
    """An order or an entity to ask about is wrong; `position` counts from 0."""

    def __init__(self, *, position: int, reason: str) -> None:
        super().__init__(f"order {position} (counted from 0): {reason}")
        self.position, self.reason = position, reason
