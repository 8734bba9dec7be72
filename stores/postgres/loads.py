"""The table `loads`, which has every load for good, and the lock for one job at a time."""

from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass
from datetime import date, datetime
from typing import Final, cast
from zlib import crc32

from psycopg.rows import class_row

from features_pkg.errors import OntemError
from stores.postgres.connection import Connection
from stores.postgres.generations import LOST_LOAD_IDS
from stores.postgres.recorded_key import recorded_key

LOCK_CLASS: Final = 0x4F6E746D
COLUMNS: Final = (
    "load_id, as_of, cutoff, watermark::text::bigint AS watermark, generation, timelines, "
    "entity_key_id, revision, snapshot_id, metadata_location, "
    "coalesce(entities, 0) AS entities, coalesce(checksum, '') AS checksum, "
    "created_at, published_at, withdrawn_at"
)


class LoaderRunning(OntemError):
    """Another job is publishing or withdrawing loads of the same timelines."""

    def __init__(self, *, timelines: str, holder: str) -> None:
        super().__init__(
            f"timelines {timelines} are being loaded by {holder}: wait for it, or end it"
        )
        self.timelines, self.holder = timelines, holder


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLoad:
    """A committed snapshot that is to become a load.

    Its entities have keys of the secret that `entity_key_id` names. It has the rows of transactions
    below `watermark`; `revision` is the name of its revision, which is the snapshot `snapshot_id`
    of the table that the file at `metadata_location` describes.
    """

    as_of: date
    cutoff: datetime
    watermark: int
    generation: int
    timelines: str
    entity_key_id: str
    revision: str
    snapshot_id: int
    metadata_location: str
    entities: int
    checksum: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadRow(NewLoad):
    """A load with its id, and when it was published or withdrawn."""

    load_id: int
    created_at: datetime
    published_at: datetime | None = None
    withdrawn_at: datetime | None = None

    @property
    def watermark_key(self) -> int:
        """The load has the rows with a `recorded_key` below this."""
        return recorded_key(self.generation, self.watermark)


def lock_loads(connection: Connection, timelines: str) -> None:
    """Keep other sessions from loading these timelines until this session ends, in whatever way.

    Raises LoaderRunning, which names the process that has the lock.
    """
    number = crc32(timelines.encode()) - 2**31
    row = connection.execute("SELECT pg_try_advisory_lock(%s, %s)", (LOCK_CLASS, number)).fetchone()
    if row is not None and row[0]:
        return
    holder = connection.execute(
        "SELECT format('%%s (database process %%s)', a.application_name, a.pid)"
        " FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
        " WHERE l.locktype = 'advisory' AND l.granted AND l.classid = %s::bigint::oid"
        " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        " LIMIT 1",
        (LOCK_CLASS,),
    ).fetchone()
    raise LoaderRunning(
        timelines=timelines, holder=str(holder[0]) if holder else "a job that just ended"
    )


def check_lock(connection: Connection) -> None:
    """Ask the session that has the lock of `lock_loads` for an answer.

    Raises psycopg.OperationalError where it has ended: then another session may have the lock.
    """
    connection.execute("SELECT 1")


def loads_of(connection: Connection, timelines: str) -> Sequence[LoadRow]:
    """All loads of these timelines, oldest first, of whatever secret."""
    with connection.cursor(row_factory=class_row(LoadRow)) as cursor:
        cursor.execute(
            f"SELECT {COLUMNS} FROM loads WHERE timelines = %s ORDER BY load_id",  # noqa: S608
            (timelines,),
        )
        return cursor.fetchall()


def all_loads(connection: Connection) -> Sequence[LoadRow]:
    """All loads of whatever timelines and secret, oldest first."""
    with connection.cursor(row_factory=class_row(LoadRow)) as cursor:
        cursor.execute(f"SELECT {COLUMNS} FROM loads ORDER BY load_id")  # noqa: S608
        return cursor.fetchall()


def published_key_ids(connection: Connection, timelines: str) -> frozenset[str]:
    """The ids of the entity keys under which loads of these timelines are published."""
    rows = connection.execute(
        "SELECT DISTINCT entity_key_id FROM loads"
        " WHERE timelines = %s AND published_at IS NOT NULL AND withdrawn_at IS NULL",
        (timelines,),
    )
    return frozenset(str(key_id) for (key_id,) in rows)


def register_load(connection: Connection, load: NewLoad) -> LoadRow:
    """`load` with its new id, which is greater than all before and never changes."""
    ((load_id, created_at),) = connection.execute(
        "INSERT INTO loads"
        " (as_of, cutoff, watermark, generation, timelines, entity_key_id, revision, snapshot_id,"
        " metadata_location, entities, checksum)"
        " VALUES (%s, %s, %s::text::xid8, %s, %s, %s, %s, %s, %s, %s, %s)"
        " RETURNING load_id, created_at",
        astuple(load),
    ).fetchall()
    return LoadRow(
        **asdict(load), load_id=cast(int, load_id), created_at=cast(datetime, created_at)
    )


def skip_ids_of_lost(connection: Connection, load_id: int) -> None:
    """Use neither the id of a load that a restored PostgreSQL lost nor those after it."""
    connection.execute(
        "SELECT setval('load_ids', %s) FROM load_ids WHERE last_value <= %s",
        (load_id + LOST_LOAD_IDS, load_id),
    )


def mark_published(connection: Connection, load_id: int) -> None:
    """Record that the load is in the list; recording it again changes nothing."""
    connection.execute(
        "UPDATE loads SET published_at = coalesce(published_at, ontem_clock()) WHERE load_id = %s",
        (load_id,),
    )


def mark_withdrawn(connection: Connection, load_id: int) -> None:
    """Record that the load never returns; recording it again changes nothing."""
    connection.execute(
        "UPDATE loads SET withdrawn_at = coalesce(withdrawn_at, ontem_clock()) WHERE load_id = %s",
        (load_id,),
    )
