"""What the sources of an import share: batches of numbered rows, and the digest of a file."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from features_pkg.array_types import Ints
from jobs.importing.errors import FileUnreadable

ROWS_PER_BATCH = 20_000


@dataclass(frozen=True, slots=True)
class NumberedBatch:
    """A batch of rows and the number of each in the source, from 1, the header not counted."""

    rows: pa.RecordBatch
    numbers: Ints


class UnchangedFile:
    """A file that an import reads more than once, which must not change meanwhile."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._state = self._state_now()

    def check(self) -> None:
        """Raise FileUnreadable if the file was written or replaced since this was made."""
        if self._state_now() != self._state:
            raise FileUnreadable(
                source=self._path.name,
                reason="it changed while it was read: import it when it is complete",
            )

    def _state_now(self) -> tuple[int, ...] | None:
        try:
            now = self._path.stat()
        except FileNotFoundError:
            return None
        return (now.st_dev, now.st_ino, now.st_size, now.st_mtime_ns)


def file_digest(path: Path) -> bytes:
    """The SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").digest()
