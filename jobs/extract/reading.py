"""Some columns of all extracted rows, read without Spark."""

import hashlib
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from jobs.extract.errors import EventsDamaged
from jobs.extract.facts import Extractions
from stores.offline.files import Files


def read_newest_first(
    files: Files, extracted: Extractions, columns: Sequence[str]
) -> Iterator[pa.Table]:
    """These columns of each file, the newest file first: there is what a reader mostly looks for.

    Raises FileMissing, and EventsDamaged for a file that is not what was committed, as far as files
    are read.
    """
    for file in reversed(extracted.files):
        content = files.read(file.key)
        if hashlib.sha256(content).hexdigest() != file.sha256:
            raise EventsDamaged(key=file.key)
        yield pq.read_table(pa.BufferReader(content), columns=list(columns))
