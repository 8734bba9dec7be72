"""Where rows come from: a Parquet or CSV file, or a table in memory; in batches."""

import csv
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count as count_up
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
class Numbered:
    """A batch of rows and each one's number in the source, from 1, header not counted."""

    rows: pa.RecordBatch
    numbers: Ints


class Source(Protocol):
    """Something with columns that can be read from its start."""

    name: str
    columns: Sequence[str]
    rows: int | None
    """How many rows it has, None where only reading them tells."""
    misshapen: list[int]
    """Numbers of the rows met so far that have more or fewer fields than the header."""

    def sha256(self) -> bytes:
        """Digest of its bytes."""
        ...

    def batches(self, columns: Sequence[str]) -> Iterator[Numbered]:
        """All rows, these columns of them. Raises FileUnreadable."""
        ...


def open_source(source: Path | pa.Table, delimiter: str = ",") -> Source:
    """What to read from. Raises FileUnreadable."""
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
        self.misshapen: list[int] = []

    def sha256(self) -> bytes:
        """Digest of its Arrow stream."""
        digest = hashlib.sha256()
        with pa.ipc.new_stream(pa.PythonFile(_Digesting(digest), "w"), self._table.schema) as out:
            out.write_table(self._table)
        return digest.digest()

    def batches(self, columns: Sequence[str]) -> Iterator[Numbered]:
        """All rows, these columns of them."""
        return _numbered(self._table.select(list(columns)).to_batches(ROWS_PER_BATCH))


class ParquetSource:
    """A Parquet file."""

    def __init__(self, path: Path) -> None:
        self._file = pyarrow.parquet.ParquetFile(path)
        self.name = path.name
        self._path = path
        self.columns = self._file.schema_arrow.names
        self.rows: int | None = self._file.metadata.num_rows
        self.misshapen: list[int] = []

    def sha256(self) -> bytes:
        """Digest of the file."""
        return _digest(self._path)

    def batches(self, columns: Sequence[str]) -> Iterator[Numbered]:
        """All rows, these columns of them."""
        return _numbered(self._file.iter_batches(ROWS_PER_BATCH, columns=list(columns)))


class CsvSource:
    """A CSV file in UTF-8 with a header; every value is text, an empty unquoted one is null."""

    def __init__(self, path: Path, delimiter: str) -> None:
        self._path, self._delimiter = path, delimiter
        self.name = path.name
        with path.open(encoding="utf-8-sig", newline="") as stream:
            self.columns: Sequence[str] = next(csv.reader(stream, delimiter=delimiter), [])
        self.rows: int | None = None
        self.misshapen: list[int] = []

    def sha256(self) -> bytes:
        """Digest of the file."""
        return _digest(self._path)

    def batches(self, columns: Sequence[str]) -> Iterator[Numbered]:
        """All rows, these columns of them. Raises FileUnreadable."""
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
                yield from self._numbered(reader)
        except (pa.ArrowInvalid, pa.ArrowKeyError) as error:
            raise FileUnreadable(source=self.name, reason=str(error)) from error

    def _skip(self, row: pyarrow.csv.InvalidRow) -> str:
        self.misshapen.append(cast(int, row.number) - 1)  # its first row is the header
        return "skip"

    def _numbered(self, batches: Iterator[pa.RecordBatch]) -> Iterator[Numbered]:
        """Batches whose rows are numbered past those that were skipped."""
        after = 1
        for batch in batches:
            skipped = {number for number in self.misshapen if number >= after}
            numbers = (number for number in count_up(after) if number not in skipped)
            of_batch = np.fromiter(numbers, np.int64, batch.num_rows)
            for start in range(0, batch.num_rows, ROWS_PER_BATCH):
                part = slice(start, start + ROWS_PER_BATCH)
                yield Numbered(batch.slice(start, ROWS_PER_BATCH), of_batch[part])
            after = int(of_batch[-1]) + 1 if len(of_batch) else after


def _all_text(columns: Sequence[str]) -> pyarrow.csv.ConvertOptions:
    return pyarrow.csv.ConvertOptions(
        include_columns=list(columns),
        column_types={name: pa.string() for name in columns},
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        null_values=[""],
    )


def _numbered(batches: Iterator[pa.RecordBatch] | list[pa.RecordBatch]) -> Iterator[Numbered]:
    after = 1
    for batch in batches:
        yield Numbered(batch, np.arange(after, after + batch.num_rows))
        after += batch.num_rows


def _digest(path: Path) -> bytes:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").digest()


class _Digesting:
    """A file that keeps only the digest of what is written to it."""

    closed = False

    def __init__(self, digest: "hashlib._Hash") -> None:
        self._digest = digest

    def write(self, data: bytes) -> int:
        self._digest.update(data)
        return len(data)

    def flush(self) -> None:
        """Nothing is kept back."""

    def close(self) -> None:
        self.closed = True
