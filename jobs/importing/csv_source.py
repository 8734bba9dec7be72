"""A CSV file, read strictly: rows are never swallowed or guessed without a word."""

import csv
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import numpy as np
import pyarrow as pa

from jobs.importing.batches import ROWS_PER_BATCH, NumberedBatch, file_digest
from jobs.importing.errors import FileUnreadable

if TYPE_CHECKING:
    from _csv import Reader


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
        return file_digest(self._path)

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
                f"{csv_failure(str(error))}",
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


def csv_failure(message: str) -> str:
    """What a message of the `csv` module means for the person who wrote the file."""
    if "unexpected end of data" in message:
        return "a quote opens here and never closes"
    if "expected after" in message:
        return "a quote closes before its value ends; write a quote inside a value twice"
    if "field larger" in message:
        return "a value is longer than 131,072 characters: look for a quote that does not close"
    return message
