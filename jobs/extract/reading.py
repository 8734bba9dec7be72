"""Some columns of extracted rows, read without Spark."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from jobs.extract.errors import EventsDamaged, EventsMissing
from stores.offline.damage import damage_is
from stores.offline.errors import FileMissing
from stores.offline.files import Files
from stores.offline.runs import DataFile

if TYPE_CHECKING:  # Spark's workers import this file, and nothing that commits
    from jobs.extract.facts import Extractions


def read_checked(files: Files, file: DataFile, columns: Sequence[str]) -> pa.Table:
    """Some columns of a file, all of which is as it was committed.

    Raises EventsMissing, EventsDamaged.
    """
    with _found(file):
        content = files.read(file.key)
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise EventsDamaged(key=file.key)
    return pq.read_table(pa.BufferReader(content), columns=list(columns))


def read_part(files: Files, file: DataFile, columns: Sequence[str]) -> pa.Table:
    """Some columns of a file, of which only the pages that are read are checked.

    Raises EventsMissing, EventsDamaged.
    """
    damaged = damage_is(EventsDamaged(key=file.key))
    with _found(file), files.open(file.key) as source, damaged:
        return pq.read_table(source, columns=list(columns), page_checksum_verification=True)


def read_newest_first(
    files: Files, extracted: "Extractions", columns: Sequence[str]
) -> Iterator[pa.Table]:
    """These columns of each file, the newest file first: there is what a reader mostly looks for.

    Raises EventsMissing, and EventsDamaged for a file that is not what was committed, as far as
    files are read.
    """
    return (read_checked(files, file, columns) for file in reversed(extracted.files))


@contextmanager
def _found(file: DataFile) -> Iterator[None]:
    """Raises EventsMissing where the file is not there."""
    try:
        yield
    except FileMissing:
        raise EventsMissing(key=file.key) from None
