"""What an import reads, in batches: a Parquet or CSV file, or a table in memory."""

import csv
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Protocol, cast

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from features_pkg.array_types import Ints
from jobs.importing.errors import FileUnreadable

ROWS_PER_BATCH = 20_000
CSV_BLOCK_BYTES = 1 << 22
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
    misshapen_rows: list[int]
    """The numbers of the rows read so far that have more or fewer fields than the header."""

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
    except OSError as error:
        raise FileUnreadable(source=str(source), reason=error.strerror or str(error)) from error
    except (pa.ArrowInvalid, UnicodeDecodeError, csv.Error) as error:
        raise FileUnreadable(source=str(source), reason=str(error)) from error


class TableSource:
    """A table in memory."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table
        self.name = "table"
        self.columns = table.column_names
        self.rows: int | None = table.num_rows
        self.misshapen_rows: list[int] = []

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
        self._file = pyarrow.parquet.ParquetFile(path)
        self.name = path.name
        self._path = path
        self.columns = self._file.schema_arrow.names
        self.rows: int | None = self._file.metadata.num_rows
        self.misshapen_rows: list[int] = []

    def sha256(self) -> bytes:
        """The digest of the file."""
        return _digest(self._path)

    def batches(self, columns: Sequence[str]) -> Iterator[NumberedBatch]:
        """All rows, with these columns only."""
        return _number(self._file.iter_batches(ROWS_PER_BATCH, columns=list(columns)))


class CsvSource:
    """A CSV file in UTF-8 with a header; every value is text, an empty unquoted one is null."""

    def __init__(self, path: Path, delimiter: str) -> None:
        self._path, self._delimiter = path, delimiter
        self.name = path.name
        with path.open(encoding="utf-8-sig", newline="") as stream:
            self.columns: Sequence[str] = next(csv.reader(stream, delimiter=delimiter), [])
        self.rows: int | None = None
        self.misshapen_rows: list[int] = []

    def sha256(self) -> bytes:
        """The digest of the file."""
        return _digest(self._path)

    def batches(self, columns: Sequence[str]) -> Iterator[NumberedBatch]:
        """All rows, with these columns only. Raises FileUnreadable."""
        try:
            with pyarrow.csv.open_csv(
                self._path,
                read_options=pyarrow.csv.ReadOptions(use_threads=False, block_size=CSV_BLOCK_BYTES),
                parse_options=pyarrow.csv.ParseOptions(
                    delimiter=self._delimiter,
                    newlines_in_values=True,
                    invalid_row_handler=self._skip,
                ),
                convert_options=_all_text(columns),
            ) as reader:
                yield from self._number(reader)
        except (pa.ArrowInvalid, pa.ArrowKeyError) as error:
            raise FileUnreadable(source=self.name, reason=str(error)) from error

    def _skip(self, row: pyarrow.csv.InvalidRow) -> str:
        self.misshapen_rows.append(cast(int, row.number) - 1)  # its first row is the header
        return "skip"

    def _number(self, batches: Iterator[pa.RecordBatch]) -> Iterator[NumberedBatch]:
        """The batches in smaller ones, with row numbers that leave out the misshapen rows."""
        next_number = 1
        for batch in batches:
            # PyArrow leaves misshapen rows out of the batch and reports their numbers to `_skip`.
            # So the rows of the batch have the numbers from `next_number` on that are not theirs.
            skipped = {number for number in self.misshapen_rows if number >= next_number}
            remaining = (number for number in count(next_number) if number not in skipped)
            numbers = np.fromiter(remaining, np.int64, batch.num_rows)
            for start in range(0, batch.num_rows, ROWS_PER_BATCH):
                end = start + ROWS_PER_BATCH
                yield NumberedBatch(batch.slice(start, ROWS_PER_BATCH), numbers[start:end])
            next_number = int(numbers[-1]) + 1 if len(numbers) else next_number


def _all_text(columns: Sequence[str]) -> pyarrow.csv.ConvertOptions:
    return pyarrow.csv.ConvertOptions(
        include_columns=list(columns),
        column_types={name: pa.string() for name in columns},
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        null_values=[""],
    )


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
