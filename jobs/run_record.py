"""The record of a run in PostgreSQL, which is completed however the run ends."""

import getpass
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import date
from typing import Final

import psycopg

from features_pkg.errors import OntemError
from jobs.endings import ending_of
from jobs.errors import Interrupted
from jobs.exit_codes import exit_code
from jobs.interrupts import terminated_like_interrupted
from jobs.job import Job, StageTimer
from stores.postgres.cleaning import no_cleaning
from stores.postgres.connection import Connection
from stores.postgres.runs import (
    NewRun,
    Outcome,
    RunEnd,
    RunResult,
    begin_run,
    end_run,
    last_seconds,
)

BUG: Final = 1
"""What Python exits with after an error that nobody caught."""


@dataclass(slots=True)
class Recording:
    """What a run fills in while it works: its stages, and what it made."""

    run_id: int
    timer: StageTimer
    result: RunResult
    outcome: Outcome = Outcome.DONE


@contextmanager
def recorded(job: Job, command: str, day: date, *, reads: str | None = None) -> Iterator[Recording]:
    """Record the run of a command for a day, from here to the end of the block.

    `reads` is the training set that a model is made from: from its record on no cleaning lets it
    go.

    The record has a session of its own, so that it is completed when that of the run is lost. After
    Ctrl-C or a TERM it raises Interrupted.
    """
    with job.connect() as connection:
        timelines = job.namespace.timelines
        run = NewRun(
            command=command,
            day=day,
            timelines=timelines,
            entity_key_id=job.namespace.key_id,
            started_by=who_runs(),
            revision=reads,
        )
        with nullcontext() if reads is None else no_cleaning(connection, job.say):
            run_id = begin_run(connection, run)
        timer = StageTimer(job.say, last_seconds=last_seconds(connection, command, timelines))
        recording = Recording(run_id, timer, RunResult(seconds=timer.seconds))
        try:
            with terminated_like_interrupted():
                yield recording
        except (KeyboardInterrupt, Interrupted):  # Interrupted: a run inside this one
            error = Interrupted(command=command)
            end = RunEnd(
                outcome=Outcome.INTERRUPTED, exit_code=exit_code(error) or BUG, error=str(error)
            )
            _complete(job, connection, recording, end)
            raise error from None
        except Exception as error:
            _complete(job, connection, recording, _failure(error))
            raise
        _complete(job, connection, recording, RunEnd(outcome=recording.outcome))


def _failure(error: Exception) -> RunEnd:
    """A refusal with its sentence; of a bug only the kind, because its text may name a buyer."""
    end = ending_of(error)
    if end is None:
        return RunEnd(outcome=Outcome.FAILED, exit_code=BUG, error=type(error).__qualname__)
    return RunEnd(outcome=Outcome.FAILED, exit_code=end.exit_code, error=end.sentence)


def _complete(job: Job, connection: Connection, recording: Recording, end: RunEnd) -> None:
    """Complete the record, over a new session where the old one was lost.

    Where that is not possible either, the run itself is as good as it was: a sentence says so.
    """
    try:
        try:
            end_run(connection, recording.run_id, recording.result, end)
        except psycopg.OperationalError:
            with job.connect() as another:
                end_run(another, recording.run_id, recording.result, end)
    except (psycopg.OperationalError, OntemError) as error:
        job.say(
            f"  run {recording.run_id} could not be recorded as {end.outcome} "
            f"({type(error).__name__}): `ontem nights` will call it killed"
        )


def who_runs() -> str:
    """The user, machine and process of this run."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # an id without a name, as containers have
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()} (process {os.getpid()})"
