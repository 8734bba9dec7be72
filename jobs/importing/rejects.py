"""The file of refused rows: which, and why; never their values, which may be personal."""

import csv
from pathlib import Path
from typing import TextIO

from jobs.importing.errors import ImportRefused
from jobs.importing.refusals import Refusal

HEADER = ("row", "order_id", "field", "reason")


class RejectsNotWritable(ImportRefused):
    """The file of refused rows can't be written."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} can't be written ({reason}): say another with --rejects")
        self.path, self.reason = path, reason


class RejectsFile:
    """A CSV file that is made when the first row is refused; an old one goes before."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = 0
        self._stream: TextIO | None = None
        try:
            path.unlink(missing_ok=True)
            path.touch()  # so that a folder that is not there is said before a long import
            path.unlink()
        except OSError as error:
            raise RejectsNotWritable(path, error.strerror or str(error)) from error

    def add(self, refusal: Refusal) -> None:
        """Write one row."""
        if self._stream is None:
            self._stream = self.path.open("w", encoding="utf-8", newline="")
            csv.writer(self._stream).writerow(HEADER)
        csv.writer(self._stream).writerow(
            (refusal.row, refusal.order_id, refusal.field, refusal.reason)
        )
        self.rows += 1

    def close(self) -> None:
        """Put all of it on disk."""
        if self._stream is not None:
            self._stream.close()
