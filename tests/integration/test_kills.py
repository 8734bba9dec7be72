"""`kill -9` of a night or of a worker at any stage: nobody sees a part, and the next run mends it.

Two databases have the same past. The twin's night and training set run undisturbed, and its work is
counted. The other's are processes that are killed at a share of that work, one after the other.
"""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pyarrow.parquet as pq
import pytest
import redis

from features_pkg.entity_keys import EntityKeys
from jobs.extract.facts import committed_extractions, events_slot
from jobs.job import Job
from jobs.snapshot import nights
from jobs.snapshot.facts import SnapshotFacts, snapshot_slot
from jobs.training_set.facts import TrainingSetFacts, training_set_slot
from jobs.training_set.run import TrainingPeriod, training_set
from stores.offline.revisions import newest_revision, read_revision
from stores.offline.runs import DataFile, Slot
from stores.offline.tables import open_store
from stores.postgres.runs import RunRow, newest_runs
from stores.redis.published import read_published
from stores.redis.reader import OnlineReader
from stores.settings import Settings
from tests.integration.history import History, a_job
from tests.integration.killable import Progress
from tests.integration.night_shop import CUTOFF, HOUR, JUNE
from tests.integration.test_nights import environment

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

PROJECT = Path(__file__).resolve().parents[2]
NEXT = JUNE + timedelta(days=1)
PERIOD = TrainingPeriod(
    first_day=JUNE - timedelta(days=1), end_day=NEXT, labels_as_of=CUTOFF + 200 * HOUR
)
NIGHT = ("night", "--as-of", NEXT.isoformat())
TRAINING_SET = (
    "training-set", "--from", str(PERIOD.first_day), "--to", str(PERIOD.end_day),
    "--labels-as-of", str(PERIOD.labels_as_of),
)  # fmt: skip
CARDS, USERS = 29, 13
SHARES = (0.1, 0.5, 0.9)
SESSIONS = b"""
SELECT FROM pg_stat_activity
WHERE datname = current_database()
  AND application_name IN ('ontem night', 'ontem training-set')
"""
QUERIES = 100_000
"""So often PostgreSQL is asked whether it has noticed that a process is gone; some 10 s."""
LOST_WORKER = "one of the 2 processes that write events was ended from outside"
LOST_SPARK = "Spark did not finish (one of its Python workers was ended from outside"
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
        reader.send(entities)
        found = reader.receive(NEXT.toordinal(), 2)
        reader.close()
        with redis.Redis.from_url(url) as client:
            days = [load.as_of for load in read_published(client, namespace).load_list.loads]
        return found.load.as_of, days, dict(found.timelines)


@dataclass(frozen=True)
class Clean:
    """What is committed before and after a night that nothing disturbs, and its counted work."""

    before: State
    after: State
    progress: Progress

    def state(self, new: Sequence[str]) -> State:
        """The state of which only these parts are new."""
        return {part: (self.after if part in new else self.before)[part] for part in self.before}


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


@pytest.fixture(scope="module")
def clean(
    module_database_url: str,
    module_redis_url: str,
    tmp_path_factory: pytest.TempPathFactory,
    spark: "SparkSession",
) -> Clean:
    folder = tmp_path_factory.mktemp("clean")
    shop = a_shop(module_database_url, module_redis_url, folder / "shop", spark)
    before, progress = shop.state(), Progress(folder)
    with pytest.MonkeyPatch.context() as patch:
        progress.count(patch)
        nights.night(shop.job, NEXT)
        training_set(shop.job, PERIOD)
    after = shop.state()
    assert all(before[part] != after[part] for part in before)
    return Clean(before, after, progress)


@pytest.fixture
def shop(database_url: str, redis_url: str, storage_folder: Path, spark: "SparkSession") -> Shop:
    return a_shop(database_url, redis_url, storage_folder / "shop", spark)


@pytest.fixture
def night(shop: Shop, clean: Clean) -> "Killer":
    assert shop.state() == clean.before
    return Killer(shop, clean, NIGHT)


@dataclass(frozen=True)
class Killer:
    """Runs one command again and again, and kills it.

    Each run begins with what the killed ones before it left, so it shows that this does no harm.
    """

    shop: Shop
    clean: Clean
    words: Sequence[str]

    def kill(self, stage: str, share: float, victim: str, new: Sequence[str]) -> str:
        """Kill at a share of a stage's work: just the parts `new` are. The recorded sentence."""
        work = ceil(self.clean.progress.of(stage) * share)
        counts = Path(tempfile.mkdtemp(dir=self.shop.folder))
        kill = ("tests.integration.killable", str(counts), stage, str(work), victim)
        ended = self._run(*kill, *self.words)
        is_driver, run = victim == "driver", self.shop.newest_run()
        assert ended.returncode == (-signal.SIGKILL if is_driver else 1), ended.stderr
        assert "Traceback" not in ended.stderr
        assert run.outcome == ("killed" if is_driver else "failed")
        assert self.shop.state() == self.clean.state(new), (stage, share, victim)
        return run.error or ""

    def finish(self) -> str:
        """Run the command to its end; how it ended by the record."""
        ended = self._run("jobs", *self.words)
        assert ended.returncode == 0, ended.stderr
        return self.shop.newest_run().outcome

    def _run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        return run_to_its_end(self.shop.job.settings, self.shop.folder, *words)


def run_to_its_end(
    settings: Settings, folder: Path, *words: str
) -> "subprocess.CompletedProcess[str]":
    """A process as a scheduler starts it, and all that it started have ended."""
    urls = (settings.postgres_url, settings.redis_url, settings.storage_url)
    variables = {
        "PYTHONPATH": str(PROJECT),
        "SPARK_MASTER": "local[1]",
        "JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "LABEL_MATURITY_DAYS": str(settings.label_maturity.days),
    }
    ended = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=folder,
        env=os.environ | environment(*urls) | variables,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    offspring = [each for each in psutil.process_iter(["cwd"]) if each.info["cwd"] == str(folder)]
    _, alive = psutil.wait_procs(offspring, timeout=60)
    assert alive == []
    return ended


def test_a_night_that_is_killed_at_any_stage_shows_nothing_and_is_finished_by_the_next(
    night: Killer, clean: Clean, shop: Shop
) -> None:
    for share in SHARES:
        night.kill("extract", share, "driver", new=())
    assert LOST_WORKER in night.kill("extract", 0.5, "worker", new=())
    night.kill("commit events", 0.5, "driver", new=())
    night.kill("commit events", 0.9, "driver", new=(EVENTS,))
    assert LOST_SPARK in night.kill("build", 0.5, "worker", new=(EVENTS,))
    night.kill("commit", 0.75, "driver", new=(EVENTS,))
    night.kill("commit", 1, "driver", new=(EVENTS, SNAPSHOT))
    for stage in ("check", "publish"):
        for share in SHARES:
            night.kill(stage, share, "driver", new=(EVENTS, SNAPSHOT))
    night.kill("list", 0.5, "driver", new=(EVENTS, SNAPSHOT))
    night.kill("list", 1, "driver", new=(EVENTS, SNAPSHOT, REQUESTS))

    assert night.finish() == "unchanged"
    assert shop.state() == clean.state((EVENTS, SNAPSHOT, REQUESTS))


def test_a_training_set_that_is_killed_at_any_stage_is_not_there(clean: Clean, shop: Shop) -> None:
    training = Killer(shop, clean, TRAINING_SET)
    training.kill("extract", 0.5, "driver", new=())
    training.kill("build a training set", 0.1, "driver", new=(EVENTS,))
    assert LOST_SPARK in training.kill("build a training set", 0.9, "worker", new=(EVENTS,))

    assert training.finish() == "done"
    assert shop.state() == clean.state((EVENTS, TRAINING))
