"""Why a whole file is refused, before any of it is loaded."""

from collections.abc import Sequence

from features_pkg.errors import OntemError


class ImportRefused(OntemError):
    """Base of every refusal of a whole file; nothing of it was loaded."""


class MappingRefused(ImportRefused):
    """A mapping file that says something nobody understands."""

    def __init__(self, *, source: str, reason: str) -> None:
        super().__init__(f"mapping {source}: {reason} (docs/import.md has an example)")
        self.source, self.reason = source, reason


class ColumnsMissing(ImportRefused):
    """The file lacks columns that an import needs or that its mapping names."""

    def __init__(self, *, source: str, missing: Sequence[str], present: Sequence[str]) -> None:
        super().__init__(
            f"{source} has no column {', '.join(missing)}; it has {', '.join(present) or 'none'}: "
            "name its columns in a mapping (docs/import.md)"
        )
        self.source, self.missing, self.present = source, tuple(missing), tuple(present)


class ColumnUnusable(ImportRefused):
    """A column of a type that cannot hold what it should."""

    def __init__(self, *, column: str, reason: str) -> None:
        super().__init__(f"column {column}: {reason}")
        self.column, self.reason = column, reason


class FileUnreadable(ImportRefused):
    """A file that is not there, or is no CSV in UTF-8 and no Parquet."""

    def __init__(self, *, source: str, reason: str) -> None:
        super().__init__(f"{source} can't be read: {reason}")
        self.source, self.reason = source, reason
