"""What an import reads, in batches: a Parquet or CSV file, or a table in memory."""

import csv
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from jobs.importing.batches import ROWS_PER_BATCH, NumberedBatch, UnchangedFile, file_digest
from jobs.importing.csv_source import CsvSource, csv_failure
from jobs.importing.errors import FileUnreadable

PARQUET_MAGIC = b"PAR1"
PACKED = {b"\x1f\x8b": "gzip", b"PK\x03\x04": "zip", b"\x28\xb5\x2f\xfd": "zstd"}
"""How packed files begin, and who packs like this."""
FAR_US = 2**62
"""Stands for a time that microseconds can't hold: some 146,000 years from now."""


class Source(Protocol):
    """A table with named columns whose rows can be read in batches."""

    name: str
    columns: Sequence[str]
    rows: int | None
    """How many rows it has; None for a CSV file, which does not say."""
    refused_rows: list[tuple[int, str]]
    """The numbers of the rows read so far that are not in a batch, and why."""

    def sha256(self) -> bytes:
        """The digest of its bytes."""
        ...

    def batches(self, columns: Sequence[str]) -> Iterator[NumberedBatch]:
        """All rows, with these columns only. Raises FileUnreadable."""
        ...


def open_source(source: Path | pa.Table, delimiter: str = ",") -> Source:
    """The source that reads a file or a table. Raises FileUnreadable."""
    if isinstance(source, pa.Table):
        return TableSource(source)
    try:
        start = _first_bytes(source)
        for magic, packer in PACKED.items():
            if start.startswith(magic):
                reason = f"it is packed by {packer}: unpack it first"
                raise FileUnreadable(source=str(source), reason=reason)
        is_parquet = start == PARQUET_MAGIC
        return ParquetSource(source) if is_parquet else CsvSource(source, delimiter)
    except UnicodeDecodeError as error:
        reason = "some of its bytes are not UTF-8: save it as UTF-8"
        raise FileUnreadable(source=str(source), reason=reason) from error
    except csv.Error as error:
        reason = f"its header: {csv_failure(str(error))}"
        raise FileUnreadable(source=str(source), reason=reason) from error
    except (pa.ArrowException, OSError) as error:
        reason = getattr(error, "strerror", None) or _first_line(error)
        raise FileUnreadable(source=str(source), reason=reason) from error


def _first_bytes(path: Path) -> bytes:
    """The first bytes of a file. Raises FileUnreadable for a pipe, which can be read only once."""
    if path.exists() and not path.is_file():
        reason = "it is not a regular file, and is read more than once: save it as one first"
        raise FileUnreadable(source=str(path), reason=reason)
    with path.open("rb") as stream:
        return stream.read(len(PARQUET_MAGIC))


class TableSource:
    """A table in memory."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table
        self.name = "table"
        self.columns = table.column_names
        self.rows: int | None = table.num_rows
        self.refused_rows: list[tuple[int, str]] = []

    def sha256(self) -> bytes:
        """The digest of its Arrow stream."""
        digest = hashlib.sha256()
        with pa.ipc.new_stream(pa.PythonFile(_DigestSink(digest), "w"), self._table.schema) as out:
            out.write_table(self._table)
        return digest.digest()

    def batches(self, columns: Sequence[str]) -> Iterator[NumberedBatch]:
        """All rows, with these columns only."""
        return _number(self._table.select(list(columns)).to_batches(ROWS_PER_BATCH))


class ParquetSource:
    """A Parquet file."""

    def __init__(self, path: Path) -> None:
        self._unchanged = UnchangedFile(path)
        # A timestamp in nanoseconds, PyArrow's default for INT96, does not reach beyond 2262.
        self._file = pyarrow.parquet.ParquetFile(path, coerce_int96_timestamp_unit="us")
        self.name = path.name
        self._path = path
        self.columns = self._file.schema_arrow.names
        self.rows: int | None = self._file.metadata.num_rows
        self.refused_rows: list[tuple[int, str]] = []

    def sha256(self) -> bytes:
        """The digest of the file."""
        return file_digest(self._path)

    def batches(self, columns: Sequence[str]) -> Iterator[NumberedBatch]:
        """All rows, with these columns only. Raises FileUnreadable."""
        batches = _number(self._file.iter_batches(ROWS_PER_BATCH, columns=list(columns)))
        instants = sorted(self._int96_columns() & set(columns))
        try:
            if not instants:
                yield from batches
            else:
                for batch, seconds in zip(batches, self._seconds(instants), strict=True):
                    yield NumberedBatch(_with_instants(batch.rows, seconds), batch.numbers)
            self._unchanged.check()
        except (pa.ArrowException, OSError) as error:
            raise FileUnreadable(source=self.name, reason=_first_line(error)) from error

    def _seconds(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """These columns of INT96 in whole seconds, which hold every time that INT96 does."""
        file = pyarrow.parquet.ParquetFile(self._path, coerce_int96_timestamp_unit="s")
        return iter(file.iter_batches(ROWS_PER_BATCH, columns=list(columns)))

    def _int96_columns(self) -> set[str]:
        """The columns of the old type of Spark, whose times are of UTC though it has no zone."""
        schema = self._file.schema
        leaves = [schema.column(position) for position in range(len(schema.names))]
        return {leaf.path for leaf in leaves if leaf.physical_type == "INT96"}


def _with_instants(rows: pa.RecordBatch, seconds: pa.RecordBatch) -> pa.RecordBatch:
    """`rows` with the columns of `seconds`, whose times are of UTC, as aware ones.

    PyArrow's microseconds wrap for a time that they can't hold: then the seconds are others, and
    the time becomes one that is far off, too.
    """
    for name in seconds.schema.names:
        position = rows.schema.get_field_index(name)
        us = rows.column(position).cast(pa.int64())
        rest = pc.subtract(pc.divide(us, 10**6), seconds[name].cast(pa.int64()))
        us = pc.if_else(pc.less_equal(pc.abs(rest), 1), us, FAR_US)
        rows = rows.set_column(position, name, us.cast(pa.timestamp("us", "UTC")))
    return rows


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]


def _number(
    batches: Iterator[pa.RecordBatch] | list[pa.RecordBatch],
) -> Iterator[NumberedBatch]:
    next_number = 1
    for batch in batches:
        yield NumberedBatch(batch, np.arange(next_number, next_number + batch.num_rows))
        next_number += batch.num_rows


class _DigestSink:
    """A file that keeps only the digest of the bytes that are written to it."""

    closed = False

    def __init__(self, digest: "hashlib._Hash") -> None:
        self._digest = digest

    def write(self, data: bytes) -> int:
        self._digest.update(data)
        return len(data)

    def flush(self) -> None:
        """Do nothing: nothing is buffered."""

    def close(self) -> None:
        self.closed = True
