"""How old the snapshot is that requests read their distant past from."""

from collections.abc import Sequence
from datetime import date

import msgspec

from service.served_model import ServedModel
from stores.redis.load_list import Load, load_for_day


class SnapshotAge(msgspec.Struct, frozen=True):
    """The newest published snapshot that is due, and its age; no snapshot has no age."""

    as_of: date | None = None
    age_days: int | None = None
    """Civil days from its day to today; that of a night that was in time is 0 or 1."""
    stale_days: int | None = None
    """How many days older it is than the one that is due; 0 is as it should be."""


def snapshot_age(served_model: ServedModel, loads: Sequence[Load], at_us: int) -> SnapshotAge:
    """The age at this instant of the newest of the loads that is due."""
    due_day = served_model.due_day(at_us)
    load = load_for_day(loads, due_day, due_day)
    if load is None:
        return SnapshotAge()
    today = served_model.calendar.day_of(at_us)
    return SnapshotAge(date.fromordinal(load.as_of), today - load.as_of, due_day - load.as_of)
