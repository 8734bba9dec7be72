"""The progress of an import: a bar on a terminal, a line now and then elsewhere."""

from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

from jobs.importing.refusals import Refusal
from jobs.importing.rejects import RejectsFile

ROWS_PER_LINE = 200_000


class ProgressBar:
    """A listener that shows progress and writes refused rows to a file."""

    def __init__(self, console: Console, rejects: RejectsFile) -> None:
        self._console, self._rejects = console, rejects
        self._next_line = ROWS_PER_LINE
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        self._bar = Progress(
            SpinnerColumn(), *columns, TimeElapsedColumn(), console=console, transient=True
        )
        self._task = self._bar.add_task("reading", total=None)

    def __enter__(self) -> "ProgressBar":
        if self._console.is_terminal:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._console.is_terminal:
            self._bar.stop()
        self._rejects.close()

    def on_progress(self, rows: int, total: int | None) -> None:
        """Move the bar, or print a line every 200,000 rows."""
        self._bar.update(self._task, completed=rows, total=total)
        if not self._console.is_terminal and rows >= self._next_line:
            suffix = "" if total is None else f" of {total:,}"
            self._console.print(f"read {rows:,}{suffix} rows")
            self._next_line = rows - rows % ROWS_PER_LINE + ROWS_PER_LINE

    def on_store(self, rows: int) -> None:
        """Show that the database is storing `rows`."""
        self._bar.update(self._task, description=f"storing {rows:,} rows", total=None)
        if not self._console.is_terminal:
            self._console.print(f"storing {rows:,} rows")

    def on_refusal(self, refusal: Refusal) -> None:
        """Write the row to the file of refused rows."""
        self._rejects.add(refusal)
