"""A night whose session was ended from outside: another one may have the lock by then."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

import psycopg
import pytest

from jobs.endings import ending_of
from jobs.extract.facts import Extractions
from jobs.snapshot.activity import Activity
from jobs.snapshot.commit import SnapshotSource, commit_snapshot
from jobs.snapshot.facts import snapshot_slot
from jobs.snapshot.stores import open_stores
from jobs.watermark import ReadBounds
from stores.offline.files import Files
from stores.offline.revisions import newest_revision
from stores.offline.runs import FILE_LIST
from tests.integration.history import a_job

DAY = date(2018, 6, 2)


@dataclass(frozen=True)
class InterruptedFiles(Files):
    """Files where something happens once a run's list is written, just before its commit."""

    happens: Callable[[], None]

    def write(self, key: str, content: bytes | memoryview) -> None:
        Files.write(self, key, content)
        if key.endswith(FILE_LIST):
            self.happens()


def test_a_night_that_has_lost_its_lock_commits_no_snapshot(
    database_url: str, redis_url: str, storage_url: str
) -> None:
    job = a_job(database_url, redis_url, storage_url)
    bounds = ReadBounds(datetime(2018, 6, 2, 3, tzinfo=UTC), 1000, 1)
    source = SnapshotSource(DAY, bounds, Extractions())

    with open_stores(job) as stores:

        def end_its_session() -> None:
            with job.connect() as other:
                pid = stores.connection.info.backend_pid
                other.execute("SELECT pg_terminate_backend(%s, 10000)", [pid])

        files = stores.offline.files
        interrupted = InterruptedFiles(files.url, files.base, files.filesystem, end_its_session)
        its_stores = replace(stores, offline=replace(stores.offline, files=interrupted))
        with pytest.raises(psycopg.OperationalError) as ended:
            commit_snapshot(
                job, its_stores, source, run="0" * 32, files=(), activity=Activity(0, ())
            )

        slot = snapshot_slot(job.feature_set.timelines_id, DAY)
        assert newest_revision(stores.offline, slot) == 0
    ending = ending_of(ended.value)
    assert ending is not None
    assert ending.exit_code == 4
    assert "run the same command again" in ending.sentence
