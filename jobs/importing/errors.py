"""Why a whole file is refused, before any of it is loaded."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from features_pkg.errors import OntemError

OTHER_DELIMITERS: Final = (";", "\t", "|")
"""What separates the fields of many files that have no commas."""


class ImportRefused(OntemError):
    """Base of every refusal of a whole file; nothing of it was loaded."""


class MappingRefused(ImportRefused):
    """A mapping that can't be read, or that contains an unknown key or an impossible value."""

    def __init__(self, *, source: str, reason: str) -> None:
        super().__init__(f"mapping {source}: {reason} (docs/import.md has an example)")
        self.source, self.reason = source, reason


class ColumnsMissing(ImportRefused):
    """The file lacks columns that an import needs or that its mapping names."""

    def __init__(self, *, source: str, missing: Sequence[str], present: Sequence[str]) -> None:
        remedy = "name its columns"
        found = [mark for mark in OTHER_DELIMITERS if len(present) == 1 and mark in present[0]]
        if found:
            marks = " or ".join(map(repr, found))
            remedy = f"state its delimiter, which looks like {marks}, and name its columns"
        super().__init__(
            f"{source} has no column {', '.join(missing)}; it has {', '.join(present) or 'none'}: "
            f"{remedy} in a mapping (docs/import.md)"
        )
        self.source, self.missing, self.present = source, tuple(missing), tuple(present)


class ColumnRepeated(ImportRefused):
    """The file has a column twice that the import reads."""

    def __init__(self, *, source: str, column: str) -> None:
        super().__init__(
            f"{source} has the column {column} twice: rename one of them, or leave it out"
        )
        self.source, self.column = source, column


class ColumnUnusable(ImportRefused):
    """A column whose type can't hold its values."""

    def __init__(self, *, column: str, reason: str) -> None:
        super().__init__(f"column {column}: {reason}")
        self.column, self.reason = column, reason


class FileUnreadable(ImportRefused):
    """A file that does not exist, or that is neither Parquet nor CSV in UTF-8."""

    def __init__(self, *, source: str, reason: str) -> None:
        super().__init__(f"{source} can't be read: {reason}")
        self.source, self.reason = source, reason


class RejectsNotWritable(ImportRefused):
    """The file for refused rows can't be written."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} can't be written ({reason}): name another file with --rejects")
        self.path, self.reason = path, reason


class WorkersLost(ImportRefused):
    """One of the processes that prepare the rows ended in the middle of its work."""

    def __init__(self, *, processes: int) -> None:
        super().__init__(
            f"one of the {processes} processes that read the file was ended from outside, "
            "perhaps for want of memory: free some, then import the file again"
        )
        self.processes = processes


class TooManyRefused(ImportRefused):
    """More rows were refused than may be, or all of them."""

    def __init__(self, *, refused: int, rows: int) -> None:
        is_all = refused == rows
        counts = f"all {rows:,} rows" if is_all else f"{refused:,} of {rows:,} rows"
        remedy = "look at the file of refused rows and at the mapping"
        super().__init__(
            f"{counts} were refused, so nothing is stored: {remedy}"
            + ("" if is_all else ", or raise --max-refused")
        )
        self.refused, self.rows = refused, rows
