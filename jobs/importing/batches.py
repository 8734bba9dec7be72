"""What the sources of an import share: batches of numbered rows, and the digest of a file."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from features_pkg.array_types import Ints

ROWS_PER_BATCH = 20_000


@dataclass(frozen=True, slots=True)
class NumberedBatch:
    """A batch of rows and the number of each in the source, from 1, the header not counted."""

    rows: pa.RecordBatch
    numbers: Ints


def file_digest(path: Path) -> bytes:
    """The SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").digest()
