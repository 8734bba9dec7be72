"""Why a training set is not built."""

from datetime import date, datetime

from jobs.errors import JobError


class NothingToTrainOn(JobError):
    """A training set without orders, or without labelled ones."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(f"{reason}: {remedy}")
        self.reason, self.remedy = reason, remedy


class PeriodEmpty(JobError):
    """A period that ends before it begins."""

    def __init__(self, *, first_day: date, end_day: date) -> None:
        super().__init__(
            f"--to {end_day} is not after --from {first_day}: the period ends before the day of "
            "--to, so name a later one"
        )
        self.first_day, self.end_day = first_day, end_day


class LabelsFromTheFuture(JobError):
    """Labels as of an instant that has not come."""

    def __init__(self, *, labels_as_of: datetime, now: datetime) -> None:
        super().__init__(
            f"--labels-as-of {labels_as_of.isoformat()} is in the future, the database's clock "
            f"says {now.isoformat()}: name an earlier instant, or leave it out"
        )
        self.labels_as_of, self.now = labels_as_of, now
