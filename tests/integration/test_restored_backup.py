"""PostgreSQL is restored from a backup of before the newest night: from there to the next night."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import redis
from click.testing import CliRunner, Result
from psycopg import sql

from jobs.errors import ConnectorMissing
from jobs.job import StageTimer
from jobs.snapshot import nights
from jobs.snapshot.make import BuildRequest, make_snapshot
from jobs.snapshot.stores import open_stores
from jobs.snapshot.table import snapshots_table
from jobs.training_set.facts import training_set_slot
from jobs.training_set.rows import training_set_table
from jobs.watermark import wait_for_read_bounds
from ontem.cli import main
from stores.offline.commit import commit_until_first
from stores.offline.metadata_files import name_of
from stores.offline.revisions import Revision, read_revision, tagged_revisions
from stores.offline.runs import verify_files
from stores.offline.tables import OfflineStore, find_table, make_table, open_store
from tests.integration.history import NOON, History, a_job
from tests.integration.night_shop import CUTOFF, HOUR, JUNE, NightShop
from tests.integration.offline_runs import Place
from tests.integration.outdated_tables import turn_back
from tests.integration.test_nights import environment
from tests.model_keys import BOTH
from tests.online import timeline_at
from tests.servers import a_database
from tests.unit.trained_models import a_training_set, committed

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

DAY = timedelta(days=1)
NEXT = JUNE + DAY
NIGHT = ("night", "--as-of", f"{NEXT}")
TRAINING_SET = ("training-set", "--from", "2018-05-14", "--to", "2018-05-21")
REFUSED = (
    NIGHT,
    ("night", "--backfill", f"{JUNE}", f"{NEXT}"),
    ("extract",),
    ("extract", "--full"),
    TRAINING_SET,
    ("train", "--training-set", "1"),
    ("train",),
    ("retrain",),
    ("publish",),
    ("snapshots",),
    ("store", "clean"),
)


@dataclass
class Shop(NightShop):
    """A shop whose PostgreSQL can be copied and restored, and its commands without Spark."""

    def __init__(self, history: History, job: Any, client: "redis.Redis", place: Place) -> None:
        super().__init__(history, job, client)
        self.place = place

    def ontem(self, *words: str) -> Result:
        place = self.place
        variables = environment(place.postgres_url, self.job.settings.redis_url, place.storage_url)
        variables |= {"AWS_ENDPOINT_URL": place.s3_endpoint, **BOTH}
        return CliRunner(env=variables).invoke(main, list(words))

    @property
    def store(self) -> OfflineStore:
        return open_store(self.job.settings)

    def state(self) -> Mapping[str, Any]:
        """Files, catalogue, loads and Redis."""
        with self.history.connect() as connection:
            rows = {
                table: connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2, 3").fetchall()  # type: ignore[arg-type]
                for table in ("loads", "iceberg_tables")
            }
        keys: list[bytes] = self.client.keys("*")  # type: ignore[assignment]
        online = {key: self.client.get(key) for key in keys}
        files = {*self.store.files.list("")} - {".writable"}
        return rows | {"redis": online, "files": files}

    def refuses(self, words: tuple[str, ...], *sentence: str) -> None:
        before = self.state()
        result = self.ontem(*words)
        assert result.exit_code == 1, (words, result.output)
        for part in sentence:
            assert part in result.stderr, words
        assert self.state() == before, words

    def tags(self, table: str) -> list[str]:
        found = find_table(self.store, table)
        assert found is not None
        return [each.slot.tag(each.number) for each in tagged_revisions(found)]


@pytest.fixture
def shop(
    place: Place,
    redis_url: str,
    spark: "SparkSession",
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Any:
    def without_spark(*_: object) -> None:
        raise ConnectorMissing(folder="here")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("jobs.spark.session.session", without_spark)
    job = a_job(place.postgres_url, redis_url, place.storage_url, spark)
    where = {"s3_endpoint": place.s3_endpoint, "s3_region": place.s3_region}
    job = replace(job, name="night", settings=replace(job.settings, **where))
    with redis.Redis.from_url(redis_url) as client:
        yield Shop(History(place.postgres_url), job, client, place)


def end_sessions(server_url: str, url: str) -> str:
    """The name of a database in which nobody is any more."""
    name = url.rpartition("/")[2]
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
        )
    return name


def restore(server_url: str, url: str, backup_url: str) -> None:
    """Put the backup in the place of the database, as on another server."""
    names = [sql.Identifier(end_sessions(server_url, each)) for each in (url, backup_url)]
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(names[0]))
        create = "CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy"
        connection.execute(sql.SQL(create).format(*names))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE generations SET system_identifier = system_identifier + 1")


def rows_of(store: OfflineStore, revision: Revision[Any], key: str) -> pa.Table:
    """The rows of its files, which are as they were committed."""
    verify_files(store.files, revision.files)
    tables = [pq.read_table(store.files.open(each.key)) for each in revision.files]
    return pa.concat_tables(tables).sort_by(key)


def orders_after_the_backup(history: History) -> None:
    history.order(CUTOFF + HOUR, order_id="lost", card="c1", document="39053344705")
    history.order(NOON + 2 * HOUR, order_id="late", card="c2")


def test_after_a_restore_nights_go_on_with_all_that_both_days_had(
    shop: Shop, postgres_server_url: str, storage_url: str, spark: "SparkSession"
) -> None:
    url = shop.place.postgres_url
    for hours in (1, 30, 300):
        shop.history.order(CUTOFF - hours * HOUR, card="c1", document="39053344705")
    shop.history.order(NOON, card="c2")
    nights.night(shop.job, JUNE)
    first_set = committed(shop.store, a_training_set(orders=20))
    backup = a_database(postgres_server_url, template=end_sessions(postgres_server_url, url))
    with backup as backup_url:
        orders_after_the_backup(shop.history)
        nights.night(shop.job, NEXT)
        second_set = committed(shop.store, a_training_set(orders=30))
        tables = {each[-1] for each in shop.store.catalogue.list_tables("ontem")}
        had = {table: shop.tags(table) for table in sorted(tables)}
        names = [f"snapshots_{shop.timelines}@{day}.r1" for day in (JUNE, NEXT)]
        names += [first_set, second_set]
        revisions = [read_revision(shop.store, name, dict[str, Any]) for name in names]
        restore(postgres_server_url, url, backup_url)

    assert shop.ontem("migrate").exit_code == 0
    for words in REFUSED:
        shop.refuses(words, "was restored from an older backup", "Run `ontem store restore`")
    dry = shop.ontem("store", "restore", "--dry-run")
    assert (dry.exit_code, dry.output.count(", which adds ")) == (0, 3)
    shop.refuses(NIGHT, "Run `ontem store restore`")

    restored = shop.ontem("store", "restore")
    assert restored.exit_code == 0, restored.output
    assert [line.split(":")[0] for line in restored.output.splitlines()] == sorted(tables)
    assert {table: shop.tags(table) for table in sorted(tables)} == had

    orders_after_the_backup(shop.history)  # whoever has them imports them again
    said: list[str] = []
    nights.night(replace(shop.job, say=said.append), NEXT)
    assert any("everything is extracted again" in line for line in said)

    assert committed(shop.store, a_training_set(orders=40)).endswith("@r3")
    assert shop.tags(f"snapshots_{shop.timelines}") == [f"{JUNE}.r1", f"{NEXT}.r1", f"{NEXT}.r2"]
    for revision in revisions:
        again = read_revision(shop.store, revision.name, dict[str, Any])
        assert replace(again, metadata_location="") == replace(revision, metadata_location="")
        rows_of(shop.store, again, "entity" if again.slot.partition else "order_pk")
    assert served(shop) == clean(shop, storage_url, spark)


def served(shop: Shop) -> dict[bytes, bytes | None]:
    """What requests read of each entity."""
    with shop.history.connect() as connection:
        query = "SELECT load_id, revision FROM loads ORDER BY load_id DESC LIMIT 1"
        ((load_id, revision),) = connection.execute(query).fetchall()
    rows = rows_of(shop.store, read_revision(shop.store, revision, dict[str, Any]), "entity")
    namespace = shop.job.namespace
    return {
        entity: timeline_at(shop.client, namespace, entity, load_id)
        for entity in rows["entity"].to_pylist()
    }


def clean(shop: Shop, storage_url: str, spark: "SparkSession") -> dict[bytes, bytes | None]:
    """The same of a snapshot that is built without any past, in a store of its own."""
    settings = shop.job.settings
    job = a_job(settings.postgres_url, settings.redis_url, f"{storage_url}-clean", spark)
    with shop.history.connect() as connection:
        connection.execute("DELETE FROM iceberg_tables")
    with open_stores(job) as stores:
        bounds = wait_for_read_bounds(stores.connection, NEXT, job.calendar, say=job.say)
        made = make_snapshot(job, stores, BuildRequest(NEXT, bounds), StageTimer(job.say))
        rows = rows_of(stores.offline, made, "entity")
    pairs = zip(rows["entity"].to_pylist(), rows["timeline"].to_pylist(), strict=True)
    return dict(pairs)


@pytest.mark.parametrize("place", ["folder"], indirect=True)
@pytest.mark.parametrize(
    ("words", "outdated"), [(NIGHT, "snapshots"), (TRAINING_SET, "training_sets")]
)
def test_one_older_table_stops_a_job_before_it_does_anything(
    shop: Shop, words: tuple[str, ...], outdated: str
) -> None:
    """The first commit would be that of the events, the one to this table minutes later."""
    definitions = {
        f"snapshots_{shop.timelines}": snapshots_table(shop.job.feature_set),
        training_set_slot(shop.job.feature_set.version).table: training_set_table(
            shop.job.feature_set
        ),
    }
    (name,) = [each for each in definitions if each.startswith(outdated)]
    shop.history.order(NOON, card="c1")
    table = make_table(shop.store, name, definitions[name])
    older = table.metadata_location
    commit_until_first(shop.store, table, a_change)
    turn_back(shop.place.postgres_url, older, name)

    shop.refuses(words, f"the table {name} as of {name_of(older)}", "Run `ontem store restore`")
    assert shop.store.files.list("runs") == ()


def a_change(table: Any) -> None:
    with table.transaction() as change:
        change.set_properties({"n": "1"})
