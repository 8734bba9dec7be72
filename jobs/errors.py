"""What the jobs refuse, and the sentences they say so with."""

from datetime import date, datetime, timedelta

from stores.errors import OntemError


class JobError(OntemError):
    """Base of every refusal of a job."""


class DayNotOver(JobError):
    """A snapshot was asked for a day that has not begun, or began only just now."""

    def __init__(self, *, as_of: date, possible_at: datetime, now: datetime) -> None:
        super().__init__(
            f"the snapshot as of {as_of} can't be built yet: it is possible from "
            f"{possible_at.isoformat()} on, and the database's clock says {now.isoformat()}"
        )
        self.as_of, self.possible_at, self.now = as_of, possible_at, now


class StillWriting(JobError):
    """A transaction that began before the cut-off was settled does not end."""

    def __init__(self, *, waited: timedelta, holder: str) -> None:
        super().__init__(
            f"waited {waited.total_seconds():g} s for {holder}, which may still store orders of "
            "the past: end it, then run the job again"
        )
        self.waited, self.holder = waited, holder


class ClockRefused(JobError):
    """A clock was given to a database that keeps its own."""

    def __init__(self) -> None:
        super().__init__(
            "--clock needs a database that was migrated as development: leave it out here"
        )


class ConnectorMissing(JobError):
    """Spark can't read PostgreSQL without its connector jar."""

    def __init__(self, *, folder: str) -> None:
        super().__init__(f"there is no postgresql-*.jar in {folder}: run `make setup`")
        self.folder = folder


class SnapshotListed(JobError):
    """The day's snapshot is published, and orders came since that belong to it."""

    def __init__(self, *, as_of: date, load_id: int) -> None:
        super().__init__(
            f"the snapshot as of {as_of} is published as load {load_id}, and what it was made from "
            "has changed since: run `ontem unpublish`, then `ontem snapshot` again"
        )
        self.as_of, self.load_id = as_of, load_id


class NothingToTrainOn(JobError):
    """A training set of no orders, or with no labelled ones."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(f"{reason}: {remedy}")
        self.reason, self.remedy = reason, remedy


class PeriodTooShort(JobError):
    """The hold-out can't begin when all labels of the training part were known."""

    def __init__(self, *, labelled_days: float, maturity: timedelta, least_days: float) -> None:
        days = maturity.total_seconds() / 86_400
        super().__init__(
            f"orders old enough for a label span {labelled_days:.1f} days, and a label takes "
            f"{days:g} (LABEL_MATURITY_DAYS): they must span {least_days:g} days at least, so "
            f"begin the training set {2 * days + 2:g} days before its label instant or earlier"
        )
        self.labelled_days, self.maturity = labelled_days, maturity
        self.least_days = least_days


class OtherFeatureSet(JobError):
    """A training set of other features than the settings say."""

    def __init__(self, *, key: str, found: str, expected: str) -> None:
        super().__init__(
            f"{key} holds feature set {found}, the settings give {expected}: "
            "run `ontem training-set` again"
        )
        self.key, self.found, self.expected = key, found, expected
