"""Why a state of a table can't be read, gone on from or restored."""

from stores.offline.errors import OfflineError


class MetadataUnreadable(OfflineError):
    """A metadata file that is none; without a `name` it is that of the catalogue."""

    def __init__(self, *, table: str, reason: str, name: str = "") -> None:
        which = f"the metadata file {name}" if name else "the metadata file in the catalogue"
        super().__init__(
            f"{which} of the table {table} can't be read ({reason}): bring it back from a copy, or "
            f"go on from another one in tables/{table}/metadata with `ontem store restore --table "
            f"{table} --from` and its name"
        )
        self.table, self.reason, self.name = table, reason, name


class MetadataAmbiguous(OfflineError):
    """Of several metadata files none follows from the others, so none can be called the newest."""

    def __init__(self, *, table: str, names: list[str]) -> None:
        super().__init__(
            f"the newest metadata of {table} may be any of {', '.join(names)}: choose one of them, "
            f"as with `ontem store restore --table {table} --from {names[0]}`"
        )
        self.table, self.names = table, names


class CatalogueOutdated(OfflineError):
    """The catalogue has an older state of a table than the hint beside its metadata."""

    def __init__(self, *, table: str, hinted: str, known: str) -> None:
        super().__init__(
            f"the catalogue has the table {table} as of {known}, and {hinted}, which was committed "
            "after that, is there: the catalogue was restored from an older backup, or lost its "
            "newest rows in a failover. Run `ontem store restore`, which "
            "brings the table forward, or set ONTEM_POSTGRES_URL to the database that committed "
            f"{hinted}"
        )
        self.table, self.hinted, self.known = table, hinted, known


class CatalogueForked(OfflineError):
    """Of the catalogue's state of a table and the hint's neither follows from the other."""

    def __init__(
        self, *, table: str, hinted: str, known: str, only_hinted: str, only_known: str
    ) -> None:
        super().__init__(
            f"the catalogue has the table {table} as of {known}, the newest one of its folder is "
            f"{hinted}, and neither follows from the other: after a restore something was "
            "committed to the older state, or two databases have this table. "
            f"Only {known} has {only_known}; only {hinted} has {only_hinted}. Set "
            "ONTEM_POSTGRES_URL to the right database, or choose one of the two for good: `ontem "
            f"store restore --table {table} --from {hinted}` or `--from {known}`"
        )
        self.table, self.hinted, self.known = table, hinted, known


class HintedMissing(OfflineError):
    """The hint names a metadata file that is not there, and that the catalogue's do not name."""

    def __init__(self, *, table: str, hinted: str, known: str) -> None:
        super().__init__(
            f"version-hint.text of the table {table} names {hinted}, which is not there, and "
            f"{known}, which the catalogue has, does not follow from it: bring the file back from "
            f"a copy, or go on from what the catalogue has with `ontem store restore --table "
            f"{table} --from {known}`"
        )
        self.table, self.hinted, self.known = table, hinted, known


class StateMissing(OfflineError):
    """A table has no metadata file of the name that was chosen."""

    def __init__(self, *, table: str, name: str) -> None:
        super().__init__(
            f"the table {table} has no metadata file {name}: name one of those in "
            f"tables/{table}/metadata"
        )
        self.table, self.name = table, name


class RestoreOvertaken(OfflineError):
    """Another run changed what the catalogue has of a table while it was to be restored."""

    def __init__(self, *, table: str) -> None:
        super().__init__(
            f"another run changed {table} in the catalogue meanwhile: nothing of this table was "
            "restored, run `ontem store restore` again"
        )
        self.table = table


class NotRestorable(OfflineError):
    """A catalogue that Ontem can't turn to another state of a table."""

    def __init__(self, *, table: str, location: str) -> None:
        super().__init__(
            "only the catalogue in PostgreSQL can be turned to another state of a table: set "
            f"`metadata_location` of {table} to {location} in Glue yourself"
        )
        self.table, self.location = table, location


class StateElsewhere(OfflineError):
    """A metadata file that was chosen for a table is in a folder of something else."""

    def __init__(self, *, table: str, path: str, folder: str) -> None:
        super().__init__(
            f"{path} is not in {folder}, where the metadata files of the table {table} are: give "
            "the name of one of those"
        )
        self.table, self.path, self.folder = table, path, folder


class TableUnknown(OfflineError):
    """There is no table of the name that was chosen."""

    def __init__(self, *, table: str, tables: list[str]) -> None:
        known = ", ".join(tables) or "none so far"
        super().__init__(
            f"there is no table {table!r} in this store: name one of its own ({known})"
        )
        self.table, self.tables = table, tables


class StateIncomplete(OfflineError):
    """The state that was chosen names files that were removed."""

    def __init__(self, *, table: str, name: str, missing: list[str]) -> None:
        count = f"{len(missing):,} file{'' if len(missing) == 1 else 's'}"
        super().__init__(
            f"{name} of the table {table} names {count} that are not there, such as {missing[0]}: "
            "they were removed after a newer state named them no more; choose a newer one, or "
            "bring them back from a copy"
        )
        self.table, self.name, self.missing = table, name, missing
