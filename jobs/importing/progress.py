"""How an import goes, shown: a bar on a terminal, a line now and then elsewhere."""

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


class Shown:
    """A listener that shows progress and writes refused rows to a file."""

    def __init__(self, console: Console, rejects: RejectsFile) -> None:
        self._console, self._rejects = console, rejects
        self._next_line = ROWS_PER_LINE
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        self._bar = Progress(
            SpinnerColumn(), *columns, TimeElapsedColumn(), console=console, transient=True
        )
        self._task = self._bar.add_task("reading", total=None)

    def __enter__(self) -> "Shown":
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

    def progressed(self, rows: int, total: int | None) -> None:
        """Move the bar, or say a line each 200,000 rows."""
        self._bar.update(self._task, completed=rows, total=total)
        if not self._console.is_terminal and rows >= self._next_line:
            of = "" if total is None else f" of {total:,}"
            self._console.print(f"read {rows:,}{of} rows")
            self._next_line = rows - rows % ROWS_PER_LINE + ROWS_PER_LINE

    def storing(self, rows: int) -> None:
        """Say that the database works now."""
        self._bar.update(self._task, description=f"storing {rows:,} rows", total=None)
        if not self._console.is_terminal:
            self._console.print(f"storing {rows:,} rows")

    def refused(self, refusal: Refusal) -> None:
        """Keep it in the file."""
        self._rejects.add(refusal)
