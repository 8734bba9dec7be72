"""Why the offline store can't be used, read or committed to."""

import re
from typing import Final

from features_pkg.errors import OntemError

CAN_PASS: Final = re.compile(
    r"AWS Error (NETWORK_CONNECTION|INTERNAL_FAILURE|SERVICE_UNAVAILABLE|THROTTLING|SLOW_DOWN"
    r"|REQUEST_TIMEOUT)\b|HTTP status (429|5\d\d)\b"
)
"""What Arrow says of a server that is away, out of order, or was asked too often."""


class OfflineError(OntemError):
    """Base of the errors of the offline store.

    Some have their text without the remedy as `problem`, for whoever has another one.
    """


class StorageUnusable(OfflineError):
    """The storage root can't be used."""

    remedy = "set ONTEM_STORAGE_URL"

    def __init__(self, *, url: str, reason: str) -> None:
        super().__init__(f"the storage root {url} can't be used ({reason}): {self.remedy}")
        self.url, self.reason = url, reason


class StorageUnavailable(StorageUnusable):
    """The server of the storage root does not answer, or is out of order."""

    remedy = "run the same command again when it answers, or set ONTEM_STORAGE_URL"


class FileMissing(OfflineError):
    """There is no file under a key that a revision or a caller names."""

    def __init__(self, *, key: str, root: str) -> None:
        self.problem = f"there is no {key} below {root}"
        super().__init__(f"{self.problem}: set ONTEM_STORAGE_URL to where the files are now")
        self.key, self.root = key, root


class FileDamaged(OfflineError):
    """A file that has changed since it was committed."""

    def __init__(self, *, key: str, expected: str, found: str) -> None:
        self.problem = f"{key} has sha256 {found}, but {expected} when it was committed"
        super().__init__(f"{self.problem}: build it again")
        self.key, self.expected, self.found = key, expected, found


class RevisionMissing(OfflineError):
    """The table has no revision of that name."""

    def __init__(self, *, name: str, remedy: str) -> None:
        self.problem = f"there is no {name} in the offline store"
        super().__init__(f"{self.problem}: {remedy}")
        self.name, self.remedy = name, remedy


class RevisionTaken(OfflineError):
    """Another run has committed the revision that this one was to become."""

    def __init__(self, *, name: str) -> None:
        super().__init__(f"another run has committed {name} meanwhile: run the same command again")
        self.name = name


class RevisionUnreadable(OfflineError):
    """A snapshot of a table that no run of this layout committed."""

    def __init__(self, *, name: str, reason: str) -> None:
        self.problem = f"the revision {name} can't be read ({reason})"
        super().__init__(f"{self.problem}: build it again")
        self.name, self.reason = name, reason


class CatalogueLost(OfflineError):
    """The catalogue knows nothing of a table whose metadata are there."""

    def __init__(self, *, table: str, folder: str) -> None:
        super().__init__(
            f"the catalogue does not know the table {table}, whose metadata are in {folder}: "
            "run `ontem store restore`, or set ONTEM_POSTGRES_URL to the database that knows it"
        )
        self.table, self.folder = table, folder


class MetadataMissing(OfflineError):
    """The catalogue names a metadata file that is not there."""

    def __init__(self, *, table: str, location: str) -> None:
        super().__init__(
            f"the catalogue has the table {table} in {location}, and no such file is there: bring "
            "it back, or run `ontem store restore` to forget what is lost"
        )
        self.table, self.location = table, location


class TableElsewhere(OfflineError):
    """The catalogue has the table in another root than this one."""

    def __init__(self, *, table: str, location: str, root: str) -> None:
        super().__init__(
            f"the catalogue has the table {table} in {location}, which is not below {root}: "
            "set ONTEM_STORAGE_URL to the root that it was made in"
        )
        self.table, self.location, self.root = table, location, root


class TableOfAnotherName(OfflineError):
    """The catalogue has the metadata of one table under the name of another."""

    def __init__(self, *, table: str, location: str) -> None:
        super().__init__(
            f"the catalogue names the metadata in {location} as those of the table {table}, which "
            "are of another one: take that table out of the catalogue, not its files, then run "
            "`ontem store restore`"
        )
        self.table, self.location = table, location


class CommitCrowdedOut(OfflineError):
    """Other commits to the same table came first each time."""

    def __init__(self, *, table: str, attempts: int) -> None:
        super().__init__(
            f"other runs committed to {table} before this one in each of {attempts} attempts: "
            "nothing of this run was committed, run it again"
        )
        self.table, self.attempts = table, attempts


class NamedMissing(OfflineError):
    """A table names a list of its files that is not there, so nobody knows what it names."""

    def __init__(self, *, table: str, location: str) -> None:
        super().__init__(
            f"the table {table} names {location}, and no such file is there: {_back(table)}"
        )
        self.table, self.location = table, location


class NamedDamaged(OfflineError):
    """A list of a table's files can't be read, so nobody knows what it names."""

    def __init__(self, *, table: str, location: str) -> None:
        super().__init__(f"the table {table} names {location}, which is damaged: {_back(table)}")
        self.table, self.location = table, location


class NamedElsewhere(OfflineError):
    """A table names a file that is not below the root, perhaps because of another spelling."""

    def __init__(self, *, table: str, location: str, root: str) -> None:
        super().__init__(
            f"the table {table} names {location}, which is not below {root}: set "
            "ONTEM_STORAGE_URL as it was when the table was made; nothing was removed"
        )
        self.table, self.location, self.root = table, location, root


class TablesUnknown(OfflineError):
    """There are files, and nobody knows of the tables that may name them."""

    def __init__(self, *, folder: str) -> None:
        super().__init__(
            f"{folder} has files of tables that the catalogue does not know and that have no "
            "metadata: bring these back from a copy and run `ontem store restore`, set "
            "ONTEM_POSTGRES_URL to the database that knows them, or delete the folder yourself; "
            "nothing was removed"
        )
        self.folder = folder


def _back(table: str) -> str:
    return (
        "bring it back from a copy, or go on from the newest state of before, in "
        f"tables/{table}/metadata, with `ontem store restore --table {table} --from` and its name; "
        "nothing was changed"
    )


def s3_can_pass(error: Exception) -> bool:
    """Whether an error is S3's, of a kind that can pass by itself."""
    return isinstance(error, OSError) and CAN_PASS.search(str(error)) is not None
