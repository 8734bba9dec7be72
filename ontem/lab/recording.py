"""Steps of trials on record: each has its rows in the journal, however it ends."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, cast

import msgspec

from features_pkg.errors import OntemError
from jobs.run_record import who_runs
from ontem.lab.journal_table import JournalRow, State, append_row
from ontem.lab.laboratory import Laboratory
from stores.postgres.connection import Connection

_SESSION: Final = (
    "SELECT pid, backend_start, clock_timestamp() FROM pg_stat_activity"
    " WHERE pid = pg_backend_pid()"
)


@dataclass(frozen=True, slots=True)
class TrialWords:
    """What the journal says of all steps of a trial."""

    trial_id: str
    candidates: tuple[str, ...]
    question: str


@dataclass(slots=True)
class Recording:
    """What a step fills in while it works: its source, once known, and what it found."""

    source: str | None = None
    result: Any = None


@contextmanager
def on_record(
    laboratory: Laboratory, words: TrialWords, step: str, *, takes_long: bool = False
) -> Iterator[Recording]:
    """Record a step from here to the end of the block; one that takes long also as it begins.

    The session stays open meanwhile: without it a step that has no end is one that was killed.
    """
    recording = Recording()
    with laboratory.connect() as connection:
        pid, start, now = _session(connection)
        row = JournalRow(
            step_id=uuid.uuid4().hex,
            trial_id=words.trial_id,
            step=step,
            state=State.RUNNING,
            at=now,
            candidates=words.candidates,
            question=words.question,
            source=None,
            by=who_runs(),
            session_pid=pid,
            session_start=start,
        )
        if takes_long:
            append_row(laboratory.store, row)

        def end(state: State, result: str | None = None, error: str | None = None) -> None:
            _, _, ended_at = _session(connection)
            ended = replace(row, state=state, at=ended_at, result=result, error=error)
            append_row(laboratory.store, replace(ended, source=recording.source))

        try:
            yield recording
        except KeyboardInterrupt:
            end(State.INTERRUPTED)
            raise
        except Exception as error:
            # Of an error that nobody foresaw the kind alone: its text may name a buyer.
            known = isinstance(error, OntemError)
            end(State.FAILED, error=str(error) if known else type(error).__qualname__)
            raise
        end(State.DONE, result=msgspec.json.encode(recording.result).decode())


def _session(connection: Connection) -> tuple[int, datetime, datetime]:
    (row,) = connection.execute(_SESSION).fetchall()
    return cast(tuple[int, datetime, datetime], row)
