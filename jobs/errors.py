"""What the jobs refuse, and the sentences they say so with."""

from datetime import date, datetime, timedelta

from features_pkg.errors import OntemError


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
    """A transaction that began before the cutoff was settled does not end."""

    def __init__(self, *, waited: timedelta, holder: str) -> None:
        super().__init__(
            f"waited {waited.total_seconds():g} s for {holder}, which may still store orders of "
            "the past: end it, then run the job again"
        )
        self.waited, self.holder = waited, holder


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


class NoOrders(JobError):
    """A snapshot of nothing, which would call every customer new."""

    def __init__(self, *, as_of: date) -> None:
        super().__init__(
            f"there is no order before {as_of}, so there is nothing to publish: import some with "
            "`ontem import`, or look at ONTEM_POSTGRES_URL"
        )
        self.as_of = as_of


class SnapshotShrunk(JobError):
    """A snapshot that knows fewer entities than the one before, though none is ever forgotten."""

    def __init__(self, *, as_of: date, entities: int, before: int, before_as_of: date) -> None:
        super().__init__(
            f"the snapshot as of {as_of} has {entities:,} entities, the published one as of "
            f"{before_as_of} has {before:,}: look at ONTEM_POSTGRES_URL, or take the published "
            "one back with `ontem unpublish` if it was wrong"
        )
        self.as_of, self.entities, self.before = as_of, entities, before


class SnapshotDamaged(JobError):
    """A snapshot whose rows can't be published."""

    def __init__(self, *, key: str, reason: str) -> None:
        super().__init__(f"{key} can't be published ({reason}): run `ontem snapshot` again")
        self.key, self.reason = key, reason


class OtherEntityKey(JobError):
    """A snapshot made with another secret: the service would find none of its entities."""

    def __init__(self, *, revision: str) -> None:
        super().__init__(
            f"{revision} was made with another ONTEM_ENTITY_KEY: set that one, or run "
            "`ontem unpublish` and `ontem snapshot` again"
        )
        self.revision = revision


class TooFarBack(JobError):
    """An older load than this can't be read any more from the versions that Redis keeps."""

    def __init__(self, *, load_id: int) -> None:
        super().__init__(
            f"load {load_id} can't be withdrawn: the versions before it are no longer kept; "
            "publish a corrected snapshot of a later day instead"
        )
        self.load_id = load_id


class NothingToPublish(JobError):
    """No committed snapshot waits for being published."""

    def __init__(self, *, timelines: str, as_of: date | None) -> None:
        which = "" if as_of is None else f" as of {as_of}"
        super().__init__(
            f"no snapshot{which} of timelines {timelines} can be published: build one with "
            "`ontem snapshot`"
        )
        self.timelines, self.as_of = timelines, as_of


class PeriodEmpty(JobError):
    """A period that ends before it begins."""

    def __init__(self, *, first_day: date, end_day: date) -> None:
        super().__init__(
            f"--to {end_day} is not after --from {first_day}: the day of --to is not in the period"
        )
        self.first_day, self.end_day = first_day, end_day


class LabelsFromTheFuture(JobError):
    """Labels were asked for as of an instant that has not come."""

    def __init__(self, *, labels_as_of: datetime, now: datetime) -> None:
        super().__init__(
            f"--labels-as-of {labels_as_of.isoformat()} has not come: the database's clock says "
            f"{now.isoformat()}"
        )
        self.labels_as_of, self.now = labels_as_of, now
