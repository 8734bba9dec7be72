"""The file of refused rows: which, and why; never their values, which may be personal."""

import csv
from pathlib import Path
from typing import TextIO

from jobs.importing.errors import RejectsNotWritable
from jobs.importing.refusals import Refusal

HEADER = ("row", "order_id", "field", "reason")
_FIRST_LINE = ",".join(HEADER).encode()


class RejectsFile:
    """A CSV file that is created with the first refused row; an older one is removed first.

    Any other file of that name is left alone: RejectsNotWritable. It may be the file to import.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = 0
        self._stream: TextIO | None = None
        _refuse_other_files(path)
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


def _refuse_other_files(path: Path) -> None:
    """Refuse what is there already, unless it is empty or an older file of refused rows."""
    if not path.exists():
        return
    if not path.is_file():
        raise RejectsNotWritable(path, "it is not a regular file")
    with path.open("rb") as stream:
        line = stream.readline(len(_FIRST_LINE) + 2)
    if line and line.rstrip(b"\r\n") != _FIRST_LINE:
        raise RejectsNotWritable(path, "it has something else than refused rows")
