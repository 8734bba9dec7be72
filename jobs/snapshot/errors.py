"""Why a snapshot is not built, published or withdrawn."""

from datetime import date

from jobs.errors import JobError
from stores.offline.errors import RevisionMissing


class PeriodReversed(JobError):
    """Nights from a later day to an earlier one."""

    def __init__(self, *, first_day: date, last_day: date) -> None:
        super().__init__(
            f"the last day {last_day} is before the first day {first_day}: name the earlier one "
            "first"
        )
        self.first_day, self.last_day = first_day, last_day


class SnapshotOutdated(JobError):
    """The day's snapshot is published, and orders that belong to it were stored since.

    `withdrawals` is what `withdrawals_to` returns of its load.
    """

    def __init__(self, *, as_of: date, load_id: int, withdrawals: int | None) -> None:
        if withdrawals is None:
            remedy = (
                "the next night has what changed; this day alone can't be mended any more, because "
                "Redis no longer keeps the versions before it"
            )
        elif withdrawals > 1:
            remedy = (
                "the next night has what changed; to mend this day, too, "
                f"{_made_again(as_of, withdrawals)}"
            )
        else:
            remedy = _made_again(as_of, withdrawals)
        super().__init__(
            f"the snapshot as of {as_of} is published as load {load_id}, and the orders it was "
            f"built from have changed since: {remedy}"
        )
        self.as_of, self.load_id, self.withdrawals = as_of, load_id, withdrawals


class SnapshotLost(JobError):
    """A load is published, and the offline store does not have its snapshot any more.

    `withdrawals` is what `withdrawals_to` returns of it.
    """

    def __init__(self, *, load_id: int, as_of: date, reason: str, withdrawals: int | None) -> None:
        otherwise = "; the next night does without them"
        if withdrawals is not None:
            otherwise = f", or {_made_again(as_of, withdrawals)}, which builds it again"
        super().__init__(
            f"load {load_id} as of {as_of} is published, and the offline store does not have all "
            f"of its snapshot ({reason}). Requests go on with what Redis has. Bring the files back "
            f"from a copy{otherwise}"
        )
        self.load_id, self.as_of, self.reason = load_id, as_of, reason
        self.withdrawals = withdrawals


class NoOrders(JobError):
    """A snapshot of nothing, which would call every customer new."""

    def __init__(self, *, as_of: date) -> None:
        super().__init__(
            f"there is no order before {as_of}, so there is nothing to publish: import some with "
            "`ontem import`, or check ONTEM_POSTGRES_URL"
        )
        self.as_of = as_of


class SnapshotShrunk(JobError):
    """A snapshot with fewer entities than the one before, although no entity is ever dropped."""

    def __init__(self, *, as_of: date, entities: int, before: int, before_as_of: date) -> None:
        super().__init__(
            f"the snapshot as of {as_of} has {entities:,} entities, the published one as of "
            f"{before_as_of} has {before:,}: check ONTEM_POSTGRES_URL, or withdraw the published "
            "one with `ontem unpublish` if it was wrong"
        )
        self.as_of, self.entities, self.before = as_of, entities, before


class SnapshotDamaged(JobError):
    """A snapshot whose rows can't be published."""

    def __init__(self, *, key: str, reason: str) -> None:
        super().__init__(f"{key} can't be published ({reason}): run `ontem night` again")
        self.key, self.reason, self.problem = key, reason, f"{key}: {reason}"


class BaseMissing(RevisionMissing):
    """A snapshot that a delta stands on is gone, so the rows of the delta alone are of no use."""

    def __init__(self, *, delta: str, as_of: date, base: str) -> None:
        remedy = (
            f"{delta} stands on it; bring it back from a copy, or run `ontem night --as-of "
            f"{as_of}`, which gives its load up, and once more to build the day in full"
        )
        super().__init__(name=base, remedy=remedy)
        self.problem = f"{self.problem}, and {delta} stands on it"
        self.delta, self.as_of, self.base = delta, as_of, base


class FullBuildNeeded(JobError):
    """The snapshot before can't be gone on from, so a night builds the next one of all events."""

    def __init__(self, *, reason: str) -> None:
        super().__init__(f"{reason}: this snapshot is built of all events")
        self.reason = reason


class TooFarBack(JobError):
    """The load can't be withdrawn: older ones can't be read from the versions in Redis."""

    def __init__(self, *, load_id: int) -> None:
        super().__init__(
            f"load {load_id} can't be withdrawn, because Redis no longer keeps the versions "
            "before it: publish a corrected snapshot of a later day instead"
        )
        self.load_id = load_id


class NothingToPublish(JobError):
    """There is no committed snapshot that could be published."""

    def __init__(self, *, timelines: str, as_of: date | None) -> None:
        day = "" if as_of is None else f" as of {as_of}"
        super().__init__(
            f"no snapshot{day} of timelines {timelines} can be published: build one with "
            "`ontem night`"
        )
        self.timelines, self.as_of = timelines, as_of


class PublishWorkersLost(JobError):
    """A process that checks or writes a part of a load has ended without an answer."""

    def __init__(self, *, processes: int) -> None:
        super().__init__(
            f"one of the {processes} processes that publish the snapshot was ended from outside, "
            "perhaps for want of memory: free some, then run the command again"
        )
        self.processes = processes


def _made_again(as_of: date, withdrawals: int) -> str:
    """What makes a published day again: `ontem unpublish` withdraws the newest load alone."""
    if withdrawals == 1:
        return f"run `ontem unpublish`, then `ontem night --as-of {as_of}`"
    return (
        f"run `ontem unpublish` {withdrawals} times, then the nights of {as_of} and of the days "
        "after it"
    )
