"""The table `runs`: who ran a night, a training set or another job, and what came of it.

A run writes its row when it begins and completes it when it ends. The row of a run that was killed
stays as it began, and tells by its session that nobody works on it any more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Final, cast

from psycopg.rows import class_row
from psycopg.types.json import Json

from stores.postgres.connection import Connection


class Outcome(StrEnum):
    """How a run stands. The last two are of a run without an end."""

    DONE = "done"
    UNCHANGED = "unchanged"
    """Everything was there already, so nothing was done."""
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    RUNNING = "running"
    KILLED = "killed"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRun:
    """A run that begins: of which command, for which day, and who started it.

    `day` is the day of a night, the day after the last one of a training set or of what a model is
    trained on, or the day on which the store is cleaned or something is extracted. `revision` is
    what a training reads.
    """

    command: str
    day: date
    timelines: str
    entity_key_id: str
    started_by: str
    revision: str | None = None


@dataclass(slots=True, kw_only=True)
class RunResult:
    """What a run made, as far as it came. What it did not reach is None."""

    load_id: int | None = None
    revision: str | None = None
    parent: str | None = None
    """The revision that the one of a night is a delta on."""
    rows: int | None = None
    """Of a night the entities, those of the parent included."""
    delta_rows: int | None = None
    """How many of them are in the delta itself: those with a new event."""
    active: int | None = None
    """How many had an event in the longest window."""
    inactive: int | None = None
    bytes: int | None = None
    written: int | None = None
    """How many rows were written to Redis; all others of the snapshot were there unchanged."""
    seconds: Mapping[str, float] = field(default_factory=dict)
    """By stage, in their order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnd:
    """How a run ended: `error` is the sentence that its command printed."""

    outcome: Outcome
    exit_code: int = 0
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow(NewRun):
    """A row of the table."""

    run_id: int
    started_at: datetime
    ended_at: datetime | None
    outcome: str
    exit_code: int | None
    error: str | None
    load_id: int | None
    parent: str | None
    rows: int | None
    delta_rows: int | None
    active: int | None
    inactive: int | None
    bytes: int | None
    written: int | None
    seconds: dict[str, float]


_HAS_SESSION: Final = """EXISTS (
    SELECT FROM pg_stat_activity AS session
    WHERE session.pid = runs.session_pid
      AND (session.backend_start IS NULL OR session.backend_start = runs.session_start)
)"""
_COLUMNS: Final = f"""
run_id, command, day, timelines, entity_key_id, started_by, started_at, ended_at,
coalesce(outcome, CASE WHEN {_HAS_SESSION} THEN 'running' ELSE 'killed' END) AS outcome,
exit_code, error, load_id, revision, parent, rows, delta_rows, active, inactive, bytes, written,
seconds
"""


def begin_run(connection: Connection, run: NewRun) -> int:
    """Record that a run begins in this session; its id."""
    ((run_id,),) = connection.execute(
        "INSERT INTO runs (command, day, timelines, entity_key_id, started_by, revision,"
        " session_pid, session_start)"
        " VALUES (%s, %s, %s, %s, %s, %s, pg_backend_pid(),"
        " (SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()))"
        " RETURNING run_id",
        (run.command, run.day, run.timelines, run.entity_key_id, run.started_by, run.revision),
    ).fetchall()
    return cast(int, run_id)


def end_run(connection: Connection, run_id: int, result: RunResult, end: RunEnd) -> None:
    """Record how a run ended, and what it made until then."""
    connection.execute(
        "UPDATE runs SET ended_at = ontem_clock(), outcome = %s, exit_code = %s, error = %s,"
        " load_id = %s, revision = coalesce(%s, revision), parent = %s, rows = %s,"
        " delta_rows = %s, active = %s, inactive = %s, bytes = %s, written = %s,"
        " seconds = %s WHERE run_id = %s",
        (
            end.outcome,
            end.exit_code,
            end.error,
            result.load_id,
            result.revision,
            result.parent,
            result.rows,
            result.delta_rows,
            result.active,
            result.inactive,
            result.bytes,
            result.written,
            Json(dict(result.seconds)),
            run_id,
        ),
    )


def newest_runs(connection: Connection, number: int) -> Sequence[RunRow]:
    """The newest runs, newest first."""
    with connection.cursor(row_factory=class_row(RunRow)) as cursor:
        cursor.execute(
            f"SELECT {_COLUMNS} FROM runs ORDER BY run_id DESC LIMIT %s",  # noqa: S608
            (number,),
        )
        return cursor.fetchall()


def last_seconds(connection: Connection, command: str, timelines: str) -> dict[str, float]:
    """The seconds of each stage in the newest run of a command that was done and had that stage."""
    rows = connection.execute(
        "SELECT DISTINCT ON (stage.key) stage.key, stage.value::text::float8"
        " FROM runs, json_each(runs.seconds) AS stage"
        " WHERE command = %s AND timelines = %s AND outcome = 'done'"
        " ORDER BY stage.key, run_id DESC",
        (command, timelines),
    )
    return {str(stage): cast(float, seconds) for stage, seconds in rows}


def trained_revisions(connection: Connection) -> frozenset[str]:
    """The training sets of all trainings but those that failed: each has a model, or may have."""
    rows = connection.execute(
        "SELECT DISTINCT revision FROM runs WHERE command = 'train' AND revision IS NOT NULL"
        " AND outcome IS DISTINCT FROM 'failed'"
    )
    return frozenset(str(revision) for (revision,) in rows)


def running_since(connection: Connection, lock_classes: Sequence[int]) -> datetime | None:
    """When the oldest job began that may write to the offline store or read it; None without one.

    It has a record without an end and a session, or an advisory lock of one of these classes. The
    clock is the server's own. A session whose start can't be seen began in 1970.
    """
    ((began,),) = connection.execute(
        f"SELECT min(coalesce(began, to_timestamp(0))) FROM ("  # noqa: S608  our own text
        " SELECT session_start AS began FROM runs"
        f" WHERE outcome IS NULL AND command <> 'store clean' AND {_HAS_SESSION}"
        " UNION ALL SELECT backend_start FROM pg_locks l LEFT JOIN pg_stat_activity USING (pid)"
        " WHERE l.locktype = 'advisory' AND l.granted AND l.classid::bigint = ANY (%s)"
        " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        ") AS jobs",
        (list(lock_classes),),
    ).fetchall()
    return cast(datetime | None, began)


def run_of_load(connection: Connection, load_id: int) -> RunRow | None:
    """The newest run that made or published a load; None where none is on record."""
    with connection.cursor(row_factory=class_row(RunRow)) as cursor:
        cursor.execute(
            f"SELECT {_COLUMNS} FROM runs WHERE load_id = %s"  # noqa: S608  our own text
            " ORDER BY outcome = 'unchanged', run_id DESC LIMIT 1",
            (load_id,),
        )
        return cursor.fetchone()
