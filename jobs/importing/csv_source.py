"""A CSV file, read strictly: rows are never swallowed or guessed without a word."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import numpy as np
import pyarrow as pa

from jobs.importing.batches import ROWS_PER_BATCH, NumberedBatch, UnchangedFile, file_digest
from jobs.importing.errors import FileUnreadable

if TYPE_CHECKING:
    from _csv import Reader

MOST_QUOTES = 100
"""Of how many quotes of a line each is tried as the one that does not close."""


class CsvSource:
    """A CSV file in UTF-8 with a header; every value is text, an empty one is null."""

    def __init__(self, path: Path, delimiter: str) -> None:
        self._path, self._delimiter = path, delimiter
        self.name = path.name
        self._unchanged = UnchangedFile(path)
        with self._open() as stream:
            self.columns: Sequence[str] = next(self._reader(stream), [])
        if any("\0" in column for column in self.columns):
            reason = "its text is not UTF-8, but perhaps UTF-16: save it as UTF-8"
            raise FileUnreadable(source=path.name, reason=reason)
        self.rows: int | None = None
        self.refused_rows: list[tuple[int, str]] = []

    def sha256(self) -> bytes:
        """The digest of the file."""
        return file_digest(self._path)

    def batches(self, columns: Sequence[str]) -> Iterator[NumberedBatch]:
        """All rows, with these columns only. Raises FileUnreadable."""
        positions = [self.columns.index(column) for column in columns]
        with self._open() as stream:
            rows = self._numbered_rows(stream)
            while batch := list(islice(rows, ROWS_PER_BATCH)):
                numbers, values = zip(*batch, strict=True)
                arrays = [
                    pa.array([row[position] or None for row in values], pa.string())
                    for position in positions
                ]
                yield NumberedBatch(
                    pa.RecordBatch.from_arrays(arrays, list(columns)), np.array(numbers, np.int64)
                )
        self._unchanged.check()

    def _open(self) -> TextIO:
        return self._path.open(encoding="utf-8-sig", newline="")

    def _reader(self, lines: Iterable[str]) -> "Reader":
        # Strict: a quote that never closes, or closes before its value ends, is an error.
        return csv.reader(lines, delimiter=self._delimiter, strict=True)

    def _numbered_rows(self, stream: TextIO) -> Iterator[tuple[int, list[str]]]:
        """The rows after the header that are as long as it, and the number of each.

        Lines without any character are not rows. Raises FileUnreadable.
        """
        lines: list[str] = []
        reader = self._reader(_keep(stream, lines))
        next(reader, None)
        number, line = 0, reader.line_num
        lines.clear()
        try:
            for row in reader:
                first_line, line = line + 1, reader.line_num
                if row:
                    number += 1
                    fault = self._fault(row, lines, first_line)
                    if fault is None:
                        yield number, row
                    else:
                        self.refused_rows.append((number, fault))
                lines.clear()
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

    def _fault(self, row: list[str], lines: list[str], first_line: int) -> str | None:
        """Why a row is refused, which the file has in these lines; None for a good one."""
        is_as_long = len(row) == len(self.columns)
        if len(lines) == 1:
            return None if is_as_long else "has more or fewer fields than the header"
        look = f"(from line {first_line} on): look for a quote that does not close"
        if not is_as_long:
            return f"has more or fewer fields than the header, in {len(lines)} lines {look}"
        if self._swallows_rows(lines):
            return f"has a value of {len(lines)} lines, of which one is a row by itself {look}"
        return None

    def _swallows_rows(self, lines: list[str]) -> bool:
        """Whether one of the lines after the first is a row by itself.

        That is a line that lies wholly within a value and has as many fields as the header; or the
        last line, if it and the first have as many without the quote that joins them.
        """
        first, *inner, last = lines
        if any(self._fields(line) == len(self.columns) for line in inner):
            return True
        return self._is_row_without_a_quote(first) and self._is_row_without_a_quote(last)

    def _is_row_without_a_quote(self, line: str) -> bool:
        quotes = [at for at, character in enumerate(line) if character == '"'][:MOST_QUOTES]
        return any(self._fields(line[:at] + line[at + 1 :]) == len(self.columns) for at in quotes)

    def _fields(self, line: str) -> int:
        """How many fields a line has, read leniently."""
        try:
            return len(next(csv.reader([line], delimiter=self._delimiter), []))
        except csv.Error:
            return 0


def _keep(stream: Iterable[str], lines: list[str]) -> Iterator[str]:
    """The lines of a stream, each also appended to `lines`."""
    for line in stream:
        lines.append(line)
        yield line


def csv_failure(message: str) -> str:
    """What a message of the `csv` module means for the person who wrote the file."""
    if "unexpected end of data" in message:
        return "a quote opens here and never closes"
    if "expected after" in message:
        return "a quote closes before its value ends; write a quote inside a value twice"
    if "field larger" in message:
        return "a value is longer than 131,072 characters: look for a quote that does not close"
    return message
