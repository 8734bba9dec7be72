"""A night without a new event copies the snapshot before; it is the one that would be built."""

import signal
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import redis

import jobs.snapshot.copy
import jobs.snapshot.night
from features_pkg.calendar import Calendar, from_us
from jobs.extract.errors import EventsDamaged
from jobs.extract.facts import committed_extractions, events_slot
from jobs.extract.run import extract
from jobs.job import Job
from jobs.snapshot import nights
from jobs.snapshot.build import build_snapshot
from jobs.snapshot.commit import SnapshotSource
from jobs.snapshot.facts import SnapshotFacts
from jobs.snapshot.stores import open_stores
from jobs.snapshot.table import snapshots_table
from jobs.snapshot.withdraw import unpublish
from jobs.watermark import ReadBounds, wait_for_rows
from stores.offline.revisions import Revision, read_revision
from stores.offline.tables import open_store
from stores.postgres.runs import RunRow, newest_runs
from stores.redis.published import read_published
from tests.integration.history import History, a_job
from tests.integration.killable import Kill
from tests.integration.killer import forks_in
from tests.integration.night_shop import CUTOFF, HOUR, JUNE
from tests.servers import Servers, a_database

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

DAY = timedelta(days=1)
MICROSECOND = timedelta(microseconds=1)
NAMES = ("card", "user", "email")
ENDS_WITH_PAST = ("fence", "loads")
"""The keys in Redis that name a run or the digests of its files; all others hold timelines."""


@dataclass
class Shop:
    """A past, and its nights one day after the other."""

    history: History
    job: Job
    spark: "SparkSession"
    day: date = JUNE

    @property
    def cutoff(self) -> datetime:
        """The first instant of the day whose night was the last one."""
        return from_us(Calendar("America/Sao_Paulo").cutoff_us(self.day.toordinal()))

    def night(self, day: date | None = None) -> Revision[SnapshotFacts]:
        """The night of the next day (or another one); its snapshot, which is what Spark builds."""
        self.day = day or self.day + DAY
        nights.night(self.job, self.day)
        run = self.run()
        assert run.revision is not None
        made = read_revision(open_store(self.job.settings), run.revision, SnapshotFacts)
        assert run.copied_from == made.facts.copied_from
        assert (run.rows, run.bytes) == (made.rows, made.bytes)
        return made

    def built(self, made: Revision[SnapshotFacts]) -> pa.Table:
        """The rows of the same snapshot when Spark builds it."""
        facts = made.facts
        bounds = ReadBounds(facts.cutoff, facts.watermark, facts.generation)
        with open_stores(self.job) as stores:
            extracted = committed_extractions(stores.offline, events_slot(self.job.namespace))
            source = SnapshotSource(facts.as_of, bounds, extracted)
            return self.rows(build_snapshot(self.job, self.spark, stores, source))

    def rows(self, made: Revision[SnapshotFacts]) -> pa.Table:
        """The rows of a snapshot, sorted."""
        files = open_store(self.job.settings).files
        tables = [pq.read_table(pa.BufferReader(files.read(file.key))) for file in made.files]
        return pa.concat_tables(tables).sort_by("entity")

    def run(self) -> RunRow:
        """The newest record."""
        with self.history.connect() as connection:
            (run,) = newest_runs(connection, 1)
        return run

    def extract_fully(self) -> None:
        store = open_store(self.job.settings)
        with self.job.connect() as connection:
            watermark = wait_for_rows(connection, say=self.job.say)
            extract(self.job, connection, store, watermark, full=True)


@pytest.fixture
def shop(database_url: str, redis_url: str, storage_url: str, spark: "SparkSession") -> Shop:
    """A shop whose past has a bit of everything, with a published night."""
    job = replace(a_job(database_url, redis_url, storage_url, spark), name="night")
    shop = Shop(History(database_url), job, spark)
    for number in range(20):
        at = CUTOFF - number * 8 * DAY - HOUR
        shop.history.order(at, order_id=f"past{number}", card=f"c{number % 3}", user="u")
    shop.history.chargeback("past5", CUTOFF - 2 * DAY)
    shop.night(JUNE)
    return shop


def is_copied(shop: Shop) -> bool:
    """Whether the next night copies, and if so what Spark would have built."""
    made = shop.night()
    if made.facts.copied_from is None:
        return False
    assert shop.rows(made).equals(shop.built(made))
    return True


def test_a_night_without_a_new_event_starts_no_spark_and_says_so(shop: Shop) -> None:
    before = shop.run()
    said: list[str] = []
    settings = shop.job.settings
    without_spark = a_job(settings.postgres_url, settings.redis_url, settings.storage_url)
    job = replace(without_spark, name="night", say=said.append)
    nights.night(job, JUNE + DAY)

    run = shop.run()
    assert (run.outcome, run.copied_from) == ("done", before.revision)
    assert (run.rows, run.written) == (before.rows, 0)
    assert list(run.seconds) == [
        "extract what is new", "look for new events", "copy the snapshot", "check the snapshot",
        "write to Redis",
    ]  # fmt: skip
    assert "  no event is new since the snapshot of 2018-06-01" in said
    with redis.Redis.from_url(settings.redis_url) as client:
        newest = read_published(client, shop.job.namespace).newest
    assert newest is not None
    assert newest.as_of == (JUNE + DAY).toordinal()


def test_it_is_a_snapshot_like_any_other(shop: Shop) -> None:
    first, second = shop.night(), shop.night()

    assert first.facts.copied_from == f"snapshots_{first.facts.timelines}@2018-06-01.r1"
    assert second.facts.copied_from == first.name
    assert (second.facts.as_of, second.facts.cutoff) == (JUNE + 2 * DAY, CUTOFF + 2 * DAY)
    assert set(shop.rows(second)["as_of"].to_pylist()) == {JUNE + 2 * DAY}
    assert shop.rows(second).equals(shop.built(second))
    assert second.facts == replace(
        first.facts,
        as_of=second.facts.as_of,
        cutoff=second.facts.cutoff,
        watermark=second.facts.watermark,
        copied_from=first.name,
    )
    table = open_store(shop.job.settings).catalogue.load_table(("ontem", second.slot.table))
    assert table.scan(f"as_of = '{JUNE + DAY}'").to_arrow().num_rows == first.rows


def test_every_event_that_counts_is_seen_however_late_it_comes(shop: Shop) -> None:
    history, copied = shop.history, {}
    copied["nothing"] = is_copied(shop)
    history.order(shop.cutoff + HOUR, order_id="next", card="c1")
    copied["an order of the day"] = is_copied(shop)
    history.order(shop.cutoff + DAY, order_id="at the cutoff", card="c1")
    copied["an order at the next cutoff"] = is_copied(shop)
    copied["that order a day later"] = is_copied(shop)
    history.order(shop.cutoff + DAY - MICROSECOND, card="c1")
    copied["an order just before the cutoff"] = is_copied(shop)
    history.order(shop.cutoff - MICROSECOND, card="c1")
    copied["an order before midnight that was stored after it"] = is_copied(shop)
    history.order(shop.cutoff - 300 * DAY, card="c2")
    copied["older history"] = is_copied(shop)
    history.chargeback("past14", CUTOFF - 14 * 8 * DAY - HOUR + 119 * DAY)
    copied["a chargeback on day 119"] = is_copied(shop)
    history.chargeback("past10", shop.cutoff + DAY + HOUR)
    copied["a chargeback after the next cutoff"] = is_copied(shop)
    copied["that chargeback a day later"] = is_copied(shop)
    history.chargeback("past10", shop.cutoff - 9 * DAY)
    copied["a chargeback before the one that was known"] = is_copied(shop)
    history.chargeback("past10", shop.cutoff - DAY, kind="reversal")
    copied["a reversal"] = is_copied(shop)
    history.evaluation("past1", shop.cutoff - DAY, missing=["recent"])
    copied["an imported order that was posted later"] = is_copied(shop)
    history.chargeback("waits", shop.cutoff - 5 * DAY)
    copied["a chargeback without an order"] = is_copied(shop)
    history.order(shop.cutoff - 6 * DAY, order_id="waits", card="c9")
    copied["the order of that chargeback"] = is_copied(shop)

    assert copied == {
        "nothing": True,
        "an order of the day": False,
        "an order at the next cutoff": True,
        "that order a day later": False,
        "an order just before the cutoff": False,
        "an order before midnight that was stored after it": False,
        "older history": False,
        "a chargeback on day 119": False,
        "a chargeback after the next cutoff": True,
        "that chargeback a day later": False,
        "a chargeback before the one that was known": False,
        "a reversal": True,  # no timeline has any
        "an imported order that was posted later": True,  # its evaluation is no event
        "a chargeback without an order": True,
        "the order of that chargeback": False,
    }


def test_what_was_extracted_anew_is_built_anew(shop: Shop) -> None:
    shop.extract_fully()
    assert not is_copied(shop)
    assert is_copied(shop)
    with shop.history.connect() as connection:
        connection.execute(
            "INSERT INTO generations SELECT 2, system_identifier, timeline_id FROM generations"
        )
    assert not is_copied(shop)
    assert is_copied(shop)


def test_another_secret_or_zone_builds_its_own(shop: Shop) -> None:
    job = shop.job
    for changed in ({"entity_secret": bytes(range(1, 33))}, {"timezone": "UTC"}):
        shop.job = replace(job, settings=replace(job.settings, **changed))  # type: ignore[arg-type]
        assert not is_copied(shop)
        assert is_copied(shop)
    shop.job = job
    assert is_copied(shop)


def test_other_libraries_or_columns_build_anew(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(jobs.snapshot.copy, "library_versions", lambda: {"tzdata": "2099.1"})
        assert not is_copied(shop)
    assert is_copied(shop)
    with monkeypatch.context() as patch:
        table = snapshots_table(shop.job.feature_set)
        more = replace(table, columns=table.columns.append(pa.field("new", pa.int64())))
        patch.setattr(jobs.snapshot.copy, "snapshots_table", lambda _: more)
        assert not is_copied(shop)


def test_a_withdrawn_snapshot_is_not_copied(shop: Shop) -> None:
    shop.night()
    shop.history.order(shop.cutoff + HOUR, card="c1")
    wrong = shop.night()
    unpublish(shop.job)
    again = shop.night(shop.day)

    assert again.name != wrong.name
    assert again.facts.copied_from is None


def test_an_earlier_day_is_copied_for_the_offline_store_alone(shop: Shop) -> None:
    shop.history.order(CUTOFF + 2 * DAY + HOUR, card="c1")
    shop.night(JUNE + 3 * DAY)
    nights.nights(shop.job, JUNE + DAY, JUNE + 2 * DAY)

    with shop.history.connect() as connection:
        made = [(run.day, run.copied_from is not None) for run in newest_runs(connection, 2)]
    assert made == [(JUNE + 2 * DAY, True), (JUNE + DAY, True)]


@pytest.mark.parametrize("is_lost", [True, False])
def test_a_snapshot_that_is_lost_or_damaged_is_built_of_the_events(
    shop: Shop, storage_folder: Path, *, is_lost: bool
) -> None:
    for path in storage_folder.glob("runs/snapshots/*/*.parquet"):
        if is_lost:
            path.unlink()
        else:
            path.write_bytes(path.read_bytes()[:-8] + b"x" + path.read_bytes()[-7:])
    said: list[str] = []
    shop.job = replace(shop.job, say=said.append)
    made = shop.night()

    assert made.facts.copied_from is None
    assert any("this snapshot is built of the events" in each for each in said)
    assert is_copied(shop)


def test_damaged_events_are_refused_and_nothing_is_copied(shop: Shop, storage_folder: Path) -> None:
    for path in storage_folder.glob("runs/events/*/*.parquet"):
        path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(EventsDamaged, match="ontem extract --full"):
        shop.night()


def test_one_that_is_killed_shows_nothing_and_is_finished_by_the_next(
    shop: Shop, tmp_path: Path
) -> None:
    job, words = shop.job, ("night", "--as-of", str(JUNE + DAY))
    before = shop.run()
    commit = "commit snapshot"
    stages = (("copy", 1), (commit, 3), (commit, 4), ("publish", 1), ("list", 1))
    with forks_in(tmp_path, job.settings) as forks:
        for stage, work in stages:
            code, errors = forks.run(Kill(stage, work, "driver"), *words)
            assert code == -signal.SIGKILL, errors
            with redis.Redis.from_url(job.settings.redis_url) as client:
                newest = read_published(client, job.namespace).newest
            assert newest is not None
            assert newest.as_of == JUNE.toordinal()
        ended = forks.run_to_its_end(*words)

    assert ended.returncode == 0, ended.stderr
    run = shop.run()
    assert (run.outcome, run.copied_from, run.rows) == ("done", before.revision, before.rows)
    assert "Spark" not in ended.stdout
    made = read_revision(open_store(job.settings), str(run.revision), SnapshotFacts)
    assert shop.rows(made).equals(shop.built(made))


@pytest.mark.parametrize("seed", [1, 2])
def test_copied_or_always_built_every_night_is_the_same(
    seed: int,
    test_servers: Servers,
    template_url: str,
    redis_url: str,
    tmp_path: Path,
    spark: "SparkSession",
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = []
    for is_built in (False, True):
        if is_built:
            monkeypatch.setattr(jobs.snapshot.night, "snapshot_to_copy", lambda *_: None)
        root, template = tmp_path / f"{is_built}", template_url.rpartition("/")[2]
        with (
            a_database(test_servers.postgres_url, template=template) as url,
            redis.Redis.from_url(redis_url) as client,
        ):
            client.flushdb()
            job = replace(a_job(url, redis_url, root.as_uri(), spark), name="night")
            found.append(list(random_nights(Shop(History(url), job, spark), seed, client)))
    some, none = ([copied for copied, _ in each] for each in found)
    assert 2 <= sum(some) <= 5
    assert not any(none)
    assert [state for _, state in found[0]] == [state for _, state in found[1]]


def random_nights(shop: Shop, seed: int, client: "redis.Redis") -> Iterator[tuple[bool, Any]]:
    """Seven nights with a random past: of each whether it was copied, its rows, and Redis."""
    random = np.random.default_rng(seed)
    shop.history.order(CUTOFF - DAY, order_id="o0", card="c0")
    for number in range(7):
        for _ in range(int(random.choice([0, 0, 1, 3]))):
            cutoff = CUTOFF + number * DAY  # of the night that comes
            at = cutoff - timedelta(seconds=int(random.integers(-30_000, 100_000) * 2))
            orders = len(shop.history.orders)
            kind = random.choice(["order", "chargeback", "reversal"], p=[0.5, 0.3, 0.2])
            if kind == "order":
                names = {
                    name: f"{name}{random.integers(0, 3)}" for name in ("card", "user", "email")
                }
                shop.history.order(at, order_id=f"o{orders}", **names, amount_cents=orders)
            else:
                shop.history.chargeback(f"o{random.integers(0, orders + 2)}", at, kind=kind)
        made = shop.night(JUNE + number * DAY)
        keys: list[bytes] = client.keys("*")  # type: ignore[assignment]
        names_end = tuple(end.encode() for end in ENDS_WITH_PAST)
        buckets = {key: client.get(key) for key in keys if not key.endswith(names_end)}
        yield made.facts.copied_from is not None, (shop.rows(made).to_pylist(), buckets)
