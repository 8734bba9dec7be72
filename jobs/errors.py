"""The base of every refusal of a job, and the refusals that several jobs share."""

from datetime import date, datetime, timedelta

from features_pkg.errors import OntemError
from stores.checkout import connector_remedy


class JobError(OntemError):
    """Base of every refusal of a job."""


class DayNotOver(JobError):
    """Everything before a day was asked for, and the day has not begun or has just begun."""

    def __init__(self, *, day: date, possible_at: datetime, now: datetime) -> None:
        super().__init__(
            f"not everything from before {day} is stored yet: reading it is possible from "
            f"{possible_at.isoformat()} on, and the database's clock says {now.isoformat()}"
        )
        self.day, self.possible_at, self.now = day, possible_at, now


class StillWriting(JobError):
    """A transaction that may store events from before the cutoff does not end."""

    def __init__(self, *, waited: timedelta, holder: str) -> None:
        super().__init__(
            f"waited {waited.total_seconds():g} s for {holder}, which may still store orders of "
            "the past: end it, then run the job again"
        )
        self.waited, self.holder = waited, holder


class ConnectorMissing(JobError):
    """Spark can't reach S3 without its connector jars."""

    def __init__(self, *, folder: str) -> None:
        super().__init__(
            f"Spark's connector to S3, hadoop-aws-*.jar, is not in {folder}: {connector_remedy()}"
        )
        self.folder = folder


class Interrupted(JobError):
    """Ctrl-C or a TERM ended the job."""

    def __init__(self, *, command: str) -> None:
        super().__init__(
            f"interrupted: requests see what they saw before; run `ontem {command}` again, and it "
            "finishes what is left"
        )
        self.command = command


class ExtraMissing(JobError):
    """A command needs a library that is installed with an extra of the package only."""

    def __init__(self, *, command: str, library: str, extra: str | None) -> None:
        remedy = (
            "it runs in a checkout only, after `make setup`"
            if extra is None
            else f'install the extra `{extra}`, as in `pip install "ontem[{extra}]"`'
        )
        super().__init__(f"`{command}` needs {library}, which is not installed: {remedy}")
        self.command, self.library, self.extra = command, library, extra
