"""The file of refused rows: which, and why; never their values, which may be personal."""

import csv
from pathlib import Path
from typing import TextIO

from jobs.importing.errors import RejectsNotWritable
from jobs.importing.refusals import Refusal

HEADER = ("row", "order_id", "field", "reason")


class RejectsFile:
    """A CSV file that is created with the first refused row; an older file is removed first."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = 0
        self._stream: TextIO | None = None
        try:
            path.unlink(missing_ok=True)
            path.touch()  # so that a missing folder is reported before a long import, not after
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
        """Finish the file, if there is one."""
        if self._stream is not None:
            self._stream.close()
