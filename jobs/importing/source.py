"""What an import reads, in batches: a Parquet or CSV file, or a table in memory."""

import csv
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TextIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from features_pkg.array_types import Ints
from jobs.importing.errors import FileUnreadable

if TYPE_CHECKING:
    from _csv import Reader

ROWS_PER_BATCH = 20_000
PARQUET_MAGIC = b"PAR1"


@dataclass(frozen=True, slots=True)
class NumberedBatch:
    """A batch of rows and the number of each in the source, from 1, the header not counted."""

    rows: pa.RecordBatch
    numbers: Ints


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
        with source.open("rb") as stream:
            is_parquet = stream.read(len(PARQUET_MAGIC)) == PARQUET_MAGIC
        return ParquetSource(source) if is_parquet else CsvSource(source, delimiter)
    except UnicodeDecodeError as error:
        reason = "some of its bytes are not UTF-8: save it as UTF-8"
        raise FileUnreadable(source=str(source), reason=reason) from error
    except csv.Error as error:
        reason = f"its header: {_csv_failure(str(error))}"
        raise FileUnreadable(source=str(source), reason=reason) from error
    except (pa.ArrowException, OSError) as error:
        reason = getattr(error, "strerror", None) or _first_line(error)
        raise FileUnreadable(source=str(source), reason=reason) from error


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
        # Spark's INT96 has nanoseconds that a timestamp in nanoseconds can't hold beyond 2262.
        self._file = pyarrow.parquet.ParquetFile(path, coerce_int96_timestamp_unit="us")
        self.name = path.name
        self._path = path
        self.columns = self._file.schema_arrow.names
        self.rows: int | None = self._file.metadata.num_rows
        self.refused_rows: list[tuple[int, str]] = []

    def sha256(self) -> bytes:
        """The digest of the file."""
        return _digest(self._path)

    def batches(self, columns: Sequence[str]) -> Iterator[NumberedBatch]:
        """All rows, with these columns only. Raises FileUnreadable."""
        instants = self._int96_columns() & set(columns)
        try:
            for batch in _number(self._file.iter_batches(ROWS_PER_BATCH, columns=list(columns))):
                yield NumberedBatch(_as_instants(batch.rows, instants), batch.numbers)
        except (pa.ArrowException, OSError) as error:
            raise FileUnreadable(source=self.name, reason=_first_line(error)) from error

    def _int96_columns(self) -> set[str]:
        """The columns of the old type of Spark, whose times are of UTC though it has no zone."""
        schema = self._file.schema
        leaves = [schema.column(position) for position in range(len(schema.names))]
        return {leaf.path for leaf in leaves if leaf.physical_type == "INT96"}


class CsvSource:
    """A CSV file in UTF-8 with a header; every value is text, an empty one is null."""

    def __init__(self, path: Path, delimiter: str) -> None:
        self._path, self._delimiter = path, delimiter
        self.name = path.name
        with self._open() as stream:
            self.columns: Sequence[str] = next(self._reader(stream), [])
        self.rows: int | None = None
        self.refused_rows: list[tuple[int, str]] = []

    def sha256(self) -> bytes:
        """The digest of the file."""
        return _digest(self._path)

    def batches(self, columns: Sequence[str]) -> Iterator[NumberedBatch]:
        """All rows, with these columns only. Raises FileUnreadable."""
        positions = [self.columns.index(column) for column in columns]
        with self._open() as stream:
            rows = self._numbered_rows(self._reader(stream))
            while batch := list(islice(rows, ROWS_PER_BATCH)):
                numbers, values = zip(*batch, strict=True)
                arrays = [
                    pa.array([row[position] or None for row in values], pa.string())
                    for position in positions
                ]
                yield NumberedBatch(
                    pa.RecordBatch.from_arrays(arrays, list(columns)), np.array(numbers, np.int64)
                )

    def _open(self) -> TextIO:
        return self._path.open(encoding="utf-8-sig", newline="")

    def _reader(self, stream: TextIO) -> "Reader":
        # Strict: a quote that never closes, or closes before its value ends, is an error.
        return csv.reader(stream, delimiter=self._delimiter, strict=True)

    def _numbered_rows(self, reader: "Reader") -> Iterator[tuple[int, list[str]]]:
        """The rows after the header that are as long as it, and the number of each.

        Lines without any character are not rows. Raises FileUnreadable.
        """
        fields, number, line = len(next(reader, [])), 0, reader.line_num
        try:
            for row in reader:
                first_line, line = line + 1, reader.line_num
                if not row:
                    continue
                number += 1
                if len(row) != fields:
                    self.refused_rows.append((number, "has more or fewer fields than the header"))
                elif line > first_line and self._swallows_rows(row):
                    reason = (
                        f"has a value of {line - first_line + 1} lines, of which one is a row by "
                        f"itself (from line {first_line} on): look for a quote that does not close"
                    )
                    self.refused_rows.append((number, reason))
                else:
                    yield number, row
        except csv.Error as error:
            raise FileUnreadable(
                source=self.name, reason=f"row {number + 1} (from line {line + 1} on): "
                f"{_csv_failure(str(error))}",
            ) from error  # fmt: skip
        except UnicodeDecodeError as error:
            raise FileUnreadable(
                source=self.name,
                reason=f"some bytes after line {line} are not UTF-8: save it as UTF-8",
            ) from error

    def _swallows_rows(self, row: list[str]) -> bool:
        """Whether a line inside a value has as many fields as the header."""
        lines = [line for value in row for line in value.splitlines()[1:]]
        try:
            return any(len(fields) == len(row) for fields in self._reader_of(lines))
        except csv.Error:
            return False

    def _reader_of(self, lines: list[str]) -> "Reader":
        return csv.reader(lines, delimiter=self._delimiter)


def _csv_failure(message: str) -> str:
    if "unexpected end of data" in message:
        return "a quote opens here and never closes"
    if "expected after" in message:
        return "a quote closes before its value ends; write a quote inside a value twice"
    if "field larger" in message:
        return "a value is longer than 131,072 characters: look for a quote that does not close"
    return message


def _as_instants(rows: pa.RecordBatch, columns: set[str]) -> pa.RecordBatch:
    """`rows` with these columns, whose times are of UTC, as aware ones."""
    for name in columns:
        position = rows.schema.get_field_index(name)
        aware = rows.column(position).cast(pa.timestamp("us", "UTC"))
        rows = rows.set_column(position, name, aware)
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


def _digest(path: Path) -> bytes:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").digest()


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
