"""A shop with a published night and orders that came since, and what everybody sees of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import redis

from features_pkg.entity_keys import EntityKeys
from jobs.extract.facts import committed_extractions, events_slot
from jobs.job import Job
from jobs.snapshot import nights
from jobs.snapshot.facts import SnapshotFacts, snapshot_slot
from jobs.training_set.facts import TrainingSetFacts, training_set_slot
from stores.offline.revisions import newest_revision, read_revision
from stores.offline.runs import DataFile, Slot
from stores.offline.tables import open_store
from stores.postgres.runs import RunRow, newest_runs
from stores.redis.published import read_published
from stores.redis.reader import OnlineReader
from tests.integration.history import History, a_job
from tests.integration.night_shop import CUTOFF, HOUR, JUNE

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

PROJECT = Path(__file__).resolve().parents[2]
NEXT = JUNE + timedelta(days=1)
CARDS, USERS = 29, 13
SESSIONS = b"""
SELECT FROM pg_stat_activity
WHERE datname = current_database()
  AND application_name IN ('ontem night', 'ontem training-set')
"""
QUERIES = 100_000
"""So often PostgreSQL is asked whether it has noticed that a process is gone; some 10 s."""
EVENTS, SNAPSHOT, TRAINING, REQUESTS = "events", "snapshot", "training set", "requests"
IDS = ("recorded_key", "visible")
State = dict[str, Any]


@dataclass
class Shop:
    """A past, the job of its nights, and what everybody sees of them."""

    history: History
    job: Job
    folder: Path

    def orders(self, first: int, last: int, day: date) -> None:
        """Orders of the 20 h before a day, some with a chargeback."""
        with self.history.connect() as connection:
            connection.execute(
                'INSERT INTO orders (merchant_id, order_id, event_at, content_hash, amount_cents,'
                ' card, "user", import_id)'
                " SELECT %s, 'o' || i, %s::timestamptz - i %% 60 * interval '20 minutes',"
                " sha256(i::text::bytea), 100 * i, 'card' || i %% %s, 'user' || i %% %s, %s"
                " FROM generate_series(%s::int, %s) AS i",
                (self.history.merchant_id, CUTOFF + (day - JUNE) - HOUR, CARDS, USERS,
                 self.history.import_id, first, last),
            )  # fmt: skip
        for number in range(first, last, 7):
            self.history.chargeback(f"o{number}", CUTOFF + (day - JUNE) - HOUR / 2)

    def state(self) -> State:
        """What is committed and what requests read."""
        store, features = open_store(self.job.settings), self.job.feature_set
        events = committed_extractions(store, events_slot(self.job.namespace))
        snapshot = self._newest(snapshot_slot(features.timelines_id, NEXT), SnapshotFacts)
        training = self._newest(training_set_slot(features.version), TrainingSetFacts)
        return {
            EVENTS: self._rows(events.files),
            SNAPSHOT: self._rows(snapshot),
            TRAINING: self._rows(training),
            REQUESTS: self._requests(),
        }

    def newest_run(self) -> RunRow:
        """The newest record, once PostgreSQL has noticed that the sessions of its run are gone."""
        with self.history.connect() as connection:
            for _ in range(QUERIES):
                if not connection.execute(SESSIONS).fetchall():
                    break
            (run,) = newest_runs(connection, 1)
            return run

    def _newest(self, slot: Slot, facts: type) -> Sequence[DataFile]:
        store = open_store(self.job.settings)
        number = newest_revision(store, slot)
        return read_revision(store, slot.name(number), facts).files if number else ()

    def _rows(self, files: Sequence[DataFile]) -> list[str]:
        """The rows without transaction ids, which no two databases share; sorted."""
        store, rows = open_store(self.job.settings), []
        for file in files:
            with store.files.open(file.key) as source:
                table = pq.read_table(source)
            table = table.drop_columns([name for name in IDS if name in table.column_names])
            rows += [str(sorted(row.items())) for row in table.to_pylist()]
        return sorted(rows)

    def _requests(self) -> tuple[Any, ...]:
        """What a request on the newest day reads of every entity, and which days are published."""
        keys = EntityKeys(self.job.settings.entity_secret, self.job.feature_set.timelines_id)
        merchant = self.history.merchant_id
        names = [("card", f"card{number}") for number in range(CARDS)]
        names += [("user", f"user{number}") for number in range(USERS)]
        entities = [keys.key(merchant, name, value) for name, value in names]
        url, namespace = self.job.settings.redis_url, self.job.namespace
        reader = OnlineReader(url, namespace, timeout=timedelta(seconds=30))
        reader.connect()
        reader.send(entities)
        found = reader.receive(NEXT.toordinal(), 2)
        reader.close()
        with redis.Redis.from_url(url) as client:
            days = [load.as_of for load in read_published(client, namespace).load_list.loads]
        return found.load.as_of, days, dict(found.timelines)


def a_shop(postgres_url: str, redis_url: str, folder: Path, spark: "SparkSession") -> Shop:
    """A shop with a published night, and orders that came since."""
    (folder / ".ontem").mkdir(parents=True)
    (folder / ".ontem" / "jars").symlink_to(PROJECT / ".ontem" / "jars")
    job = a_job(postgres_url, redis_url, (folder / "store").as_uri(), spark)
    shop = Shop(History(postgres_url), replace(job, name="night"), folder)
    shop.orders(0, 59, JUNE)
    nights.night(shop.job, JUNE)
    shop.orders(60, 129, NEXT)
    return shop
