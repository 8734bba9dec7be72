"""The journal of all trials, each step with how it stands now."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import msgspec

from ontem.lab.errors import MostRefused
from ontem.lab.journal_table import JournalRow, State, read_rows
from ontem.lab.laboratory import Laboratory
from ontem.lab.readable import Readable
from stores.postgres.connection import Connection

Sessions = set[tuple[int, datetime]]


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """A step of a trial. `result` is what it found, as plain values; None unless it is done."""

    at: datetime
    step: str
    state: State
    candidates: tuple[str, ...]
    question: str
    source: str | None
    by: str
    trial_id: str
    seconds: float | None
    result: Any
    error: str | None


@dataclass(frozen=True, slots=True, repr=False)
class Journal(Readable):
    """All steps of all trials of a store, the newest first."""

    entries: tuple[JournalEntry, ...]

    def lines(self) -> Iterator[str]:
        """A line for each step, and one for why it failed."""
        if not self.entries:
            yield "no trial yet"
        for entry in self.entries:
            seconds = "" if entry.seconds is None else f" in {entry.seconds:.1f} s"
            names = ", ".join(entry.candidates)
            yield f"{entry.at:%Y-%m-%d %H:%M}Z  {entry.step} {names}: {entry.state}{seconds}"
            yield f"    {entry.question}"
            if entry.error:
                yield f"    {entry.error}"


def journal(laboratory: Laboratory | None = None, *, most: int | None = None) -> Journal:
    """The newest steps of all trials of the store, failed and killed ones too; at `most` so many.

    Without a laboratory it is that of this process's settings. Raises MostRefused.
    """
    if most is not None and (not isinstance(most, int) or most < 1):
        raise MostRefused(most=most)
    laboratory = laboratory or Laboratory.here()
    steps: dict[str, list[JournalRow]] = {}
    with laboratory.connect() as connection:  # first: it refuses a database without our schema
        for row in read_rows(laboratory.store):
            steps.setdefault(row.step_id, []).append(row)
        present = _sessions(connection)
    entries = [_entry(rows, present) for rows in steps.values()]
    newest = sorted(entries, key=lambda entry: entry.at, reverse=True)
    return Journal(tuple(newest[:most]))


def _entry(rows: Sequence[JournalRow], present: Sessions) -> JournalEntry:
    first, last = rows[0], rows[-1]
    state = last.state
    if state is State.RUNNING and (last.session_pid, last.session_start) not in present:
        state = State.KILLED
    took: timedelta = last.at - first.at
    return JournalEntry(
        at=first.at,
        step=last.step,
        state=state,
        candidates=last.candidates,
        question=last.question,
        source=last.source,
        by=last.by,
        trial_id=last.trial_id,
        seconds=took.total_seconds() if len(rows) > 1 else None,
        result=None if last.result is None else msgspec.json.decode(last.result),
        error=last.error,
    )


def _sessions(connection: Connection) -> Sessions:
    """The sessions that there are; of those of other roles only the superuser sees the start."""
    rows = connection.execute("SELECT pid, backend_start FROM pg_stat_activity").fetchall()
    return {cast(tuple[int, datetime], row) for row in rows}
