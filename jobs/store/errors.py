"""Why the offline store is not cleaned."""

from pathlib import Path

from jobs.errors import JobError


class ModelUnreadable(JobError):
    """A model that does not say which training set it was made from."""

    def __init__(self, *, location: str, reason: str) -> None:
        super().__init__(
            f"the model in {location} does not say which training set it needs ({reason}): mend "
            "its manifest, or remove the folder if nobody needs the model; nothing was removed"
        )
        self.location, self.reason = location, reason


class ModelMissing(JobError):
    """ONTEM_MODEL names a folder that has no model."""

    def __init__(self, *, folder: Path) -> None:
        super().__init__(
            f"ONTEM_MODEL is {folder}, and there is no model, so which training set it needs is "
            "not known: correct ONTEM_MODEL, mount the folder, or unset it if nobody needs the "
            "model; nothing was removed"
        )
        self.folder = folder


class LoadOfUnknownTable(JobError):
    """A load of these settings names a table that the catalogue does not know."""

    def __init__(self, *, load_id: int, revision: str) -> None:
        super().__init__(
            f"load {load_id} names {revision}, and the catalogue does not know that table: bring "
            "its metadata back from a copy and run `ontem store restore`, or set "
            "ONTEM_STORAGE_URL to the store of this database; nothing was removed"
        )
        self.load_id, self.revision = load_id, revision


class CleanIncomplete(JobError):
    """Some files could not be removed."""

    def __init__(self, *, failed: int, of: int, first: str, reason: str) -> None:
        super().__init__(
            f"{failed:,} of {of:,} removals failed, the first of {first} ({reason}): nothing that "
            "a table names was touched; run `ontem store clean` again when that is put right"
        )
        self.failed, self.of, self.first, self.reason = failed, of, first, reason
