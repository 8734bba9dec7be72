"""Why nothing is extracted."""

from collections.abc import Iterable

from jobs.errors import JobError


class EventsOutdated(JobError):
    """The extracted orders lack the column of a new order feature, or have one that is gone."""

    def __init__(self, *, present: Iterable[str], expected: Iterable[str]) -> None:
        here, there = set(present), set(expected)
        changes = [f"without {name}" for name in sorted(there - here)]
        changes += [f"with {name}, which is gone" for name in sorted(here - there)]
        super().__init__(
            f"the orders of the offline store were extracted {', '.join(changes)}: "
            "run `ontem extract --full`, which reads all of PostgreSQL again"
        )
        self.present, self.expected = tuple(here), tuple(there)


class EventsBroken(JobError):
    """An extraction does not begin where the one before it ended."""

    def __init__(self, *, key: str, from_key: int | None, ended: int) -> None:
        super().__init__(
            f"{key} begins at the recorded key {from_key}, and the extraction before it ended at "
            f"{ended}: run `ontem extract --full`, which reads all of PostgreSQL again"
        )
        self.key, self.from_key, self.ended = key, from_key, ended


class EventsDamaged(JobError):
    """A file of `events` is not what was committed."""

    def __init__(self, *, key: str) -> None:
        super().__init__(
            f"{key} has changed since it was extracted: put it back from a copy, or run "
            "`ontem extract --full`, which reads all of PostgreSQL again"
        )
        self.key = key


class EventsMissing(JobError):
    """An extraction, or a file of one, was removed."""

    def __init__(self, *, key: str) -> None:
        super().__init__(
            f"{key} is not in the offline store any more: set ONTEM_STORAGE_URL to where the files "
            "are now, bring it back from a copy, or run `ontem extract --full`, which reads all of "
            "PostgreSQL again"
        )
        self.key = key


class EventsOfOtherDatabase(JobError):
    """The offline store has the events of another database."""

    def __init__(self, *, key: str) -> None:
        super().__init__(
            f"{key} was extracted from another database than the one of ONTEM_POSTGRES_URL: set "
            "ONTEM_POSTGRES_URL or ONTEM_STORAGE_URL so that they belong together, or run "
            "`ontem extract --full`, which reads all of this database"
        )
        self.key = key


class ExtractOvertaken(JobError):
    """Another extraction was committed while this one ran."""

    def __init__(self, *, key: str) -> None:
        super().__init__(f"{key} was committed by another job meanwhile: run the command again")
        self.key = key


class ExtractWorkersLost(JobError):
    """A process that writes events has ended without an answer."""

    def __init__(self, *, processes: int) -> None:
        super().__init__(
            f"one of the {processes} processes that write events was ended from outside, perhaps "
            "for want of memory: free some, then run the command again"
        )
        self.processes = processes
