"""One extraction: from what is new in PostgreSQL to a committed revision of `events`."""

import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Final
from zlib import crc32

import psycopg

from features_pkg.definitions.order_features import VALUE_FEATURES
from jobs.extract.copying import chunks
from jobs.extract.errors import EventsOfOtherDatabase, EventsOutdated, ExtractOvertaken
from jobs.extract.facts import (
    DATASET,
    EVENTS,
    EventsFacts,
    Extractions,
    KindCounts,
    committed_extractions,
    events_slot,
)
from jobs.extract.writing import Target, WrittenFile, write_chunks
from jobs.job import Job
from jobs.watermark import Watermark
from stores.offline.commit import commit_run
from stores.offline.errors import RevisionTaken
from stores.offline.revisions import newest_revision
from stores.offline.runs import Run, provenance, run_folder
from stores.offline.tables import OfflineStore
from stores.postgres.clock import database_clock
from stores.postgres.connection import Connection
from stores.postgres.extractions import is_recorded, record_extraction
from stores.redis.keys import Namespace

LOCK_CLASS: Final = 0x4F6E7465
_MOST_PROCESSES: Final = 8


@dataclass(frozen=True, slots=True)
class ExtractResult:
    """All extractions that belong together, and the facts of the new one (None: nothing is new)."""

    extractions: Extractions
    new: EventsFacts | None = None


def extract(
    job: Job,
    connection: Connection,
    store: OfflineStore,
    watermark: Watermark,
    *,
    full: bool = False,
) -> ExtractResult:
    """Append to `events` what was recorded since the last extraction, below the watermark.

    The first extraction reads everything, as does one that is `full` and the first one after
    PostgreSQL was restored or has failed over; it takes the place of those before it, also where
    there is nothing. If nothing is new, nothing is committed. Another job that extracts is waited
    for.

    Raises EventsOfOtherDatabase, EventsOutdated, EventsBroken, ExtractOvertaken,
    ExtractWorkersLost.
    """
    with _lock(job, connection):
        source = _Source(_database(connection), watermark)
        before = _continued(job, connection, store, source, full=full)
        last = before.last
        if last is not None and last.to_key >= watermark.key:
            return ExtractResult(before)
        _summarize(connection)
        from_key = None if last is None else last.to_key
        run = uuid.uuid4().hex
        files = _copied(job, connection, store, run_folder(DATASET, run), from_key, watermark.key)
        if not files and (from_key is not None or not before.number):
            return ExtractResult(before)
        written = Run(
            slot=events_slot(job.namespace),
            id=run,
            files=tuple(each.file for each in files),
            facts=_facts(job, from_key, source, files),
            provenance=provenance(at=database_clock(connection), by="ontem extract"),
        )
        record_extraction(connection, run)  # before the commit: see there
        return _committed(store, before, written)


@dataclass(frozen=True, slots=True)
class _Source:
    """The database that is read, and how far."""

    database: str
    watermark: Watermark


def _database(connection: Connection) -> str:
    """A name that no other database has, on this server or another; it survives a failover."""
    (row,) = connection.execute(
        "SELECT format('%s/%s', g.system_identifier, d.oid) FROM generations g, pg_database d"
        " WHERE g.generation = ontem_generation() AND d.datname = current_database()"
    ).fetchall()
    return str(row[0])


def _continued(
    job: Job, connection: Connection, store: OfflineStore, source: _Source, *, full: bool
) -> Extractions:
    """The extractions that the next one continues: none of them if it has to read everything."""
    slot = events_slot(job.namespace)
    if full:
        return Extractions(newest_revision(store, slot))
    found = committed_extractions(store, slot)
    last, generation = found.last, source.watermark.generation
    if last is None:
        return found
    is_older = last.generation < generation
    if not is_older and (last.generation > generation or last.database != source.database):
        raise EventsOfOtherDatabase(key=slot.name(found.number))
    if is_older or not is_recorded(connection, found.revisions[-1].run):
        job.say("  PostgreSQL was restored or failed over: everything is extracted again")
        return Extractions(found.number)
    if not found.has_all_columns:
        raise EventsOutdated(present=last.value_features, expected=VALUE_FEATURES)
    return found


def _copied(
    job: Job,
    connection: Connection,
    store: OfflineStore,
    folder: str,
    from_key: int | None,
    to_key: int,
) -> list[WrittenFile]:
    """What was recorded between the keys, in files of `folder` that outlast a power cut."""
    target = Target(store.files, folder, job.settings.entity_secret, job.namespace.timelines)
    # Closed before the lock is given back: an error may leave it in the middle of a COPY.
    with closing(chunks(connection, from_key, to_key)) as rows:
        files = write_chunks(rows, target, min(job.cores, _MOST_PROCESSES))
    if files:
        store.files.make_durable(folder)
    return files


def _committed(store: OfflineStore, before: Extractions, run: Run[EventsFacts]) -> ExtractResult:
    """The run as the extraction after those `before`, of which a full one takes the place."""
    number, adds = before.number + 1, run.facts.from_key is not None
    try:
        revision = commit_run(store, EVENTS, run, number=number, adds=adds)
    except RevisionTaken as taken:
        raise ExtractOvertaken(key=taken.name) from None
    return ExtractResult(Extractions(number, (*before.revisions, revision)), revision.facts)


def _facts(
    job: Job, from_key: int | None, source: _Source, files: list[WrittenFile]
) -> EventsFacts:
    kinds = sum((each.kinds for each in files), Counter[str]())
    return EventsFacts(
        from_key=from_key,
        to_key=source.watermark.key,
        database=source.database,
        generation=source.watermark.generation,
        timelines=job.namespace.timelines,
        environment=job.feature_set.environment_id,
        entity_key_id=job.namespace.key_id,
        value_features=tuple(VALUE_FEATURES),
        rows=KindCounts(**kinds),
    )


def _summarize(connection: Connection) -> None:
    """Describe new pages for the indexes of recorded keys; where that can't be, more is read."""
    try:
        connection.execute("SELECT ontem_summarize_recorded()")
    except psycopg.errors.LockNotAvailable:
        return


def lock_numbers(namespace: Namespace) -> tuple[int, int]:
    """The advisory lock of whoever extracts these entity keys."""
    name = f"{namespace.timelines}{namespace.key_id}"
    return LOCK_CLASS, crc32(name.encode()) - 2**31


@contextmanager
def _lock(job: Job, connection: Connection) -> Iterator[None]:
    """Let no other job extract the same entity keys meanwhile; wait for one that does."""
    lock = lock_numbers(job.namespace)
    row = connection.execute("SELECT pg_try_advisory_lock(%s, %s)", lock).fetchone()
    if row is not None and not row[0]:
        job.say("  waiting for another job that extracts")
        with connection.transaction():
            connection.execute("SET LOCAL lock_timeout = 0")
            connection.execute("SELECT pg_advisory_lock(%s, %s)", lock)
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute("SELECT pg_advisory_unlock(%s, %s)", lock)
