"""Publishing to a real Redis: nothing is visible before it is whole, nothing withdrawn returns."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import redis

from features_pkg.entity_keys import EntityKeys
from jobs.job import Job, StageTimer
from jobs.snapshot.errors import (
    NoOrders,
    NothingToPublish,
    OtherEntityKey,
    SnapshotDamaged,
    SnapshotShrunk,
    TooFarBack,
)
from jobs.snapshot.facts import DATASET, SnapshotFacts, snapshot_slot
from jobs.snapshot.night import publish_again
from jobs.snapshot.publish import checksum_of, publish
from jobs.snapshot.stores import OpenStores
from jobs.snapshot.withdraw import unpublish
from stores.files.manifest import (
    DataFile,
    FileDamaged,
    Manifest,
    commit_manifest,
    describe_files,
    provenance,
    run_folder,
)
from stores.files.store import open_store
from stores.postgres.loads import (
    LoaderRunning,
    LoadRow,
    NewLoad,
    loads_of,
    lock_loads,
    mark_withdrawn,
    register_load,
)
from stores.redis.errors import (
    ListDamaged,
    LoadFenced,
    LoadTooOld,
    NothingPublished,
    RedisFull,
    RedisLost,
    RedisMayEvict,
    ValueDamaged,
)
from stores.redis.keys import list_key, value_key
from stores.redis.memory import check_room
from stores.redis.publish import (
    Fence,
    read_published,
    set_list,
    take_fence,
    write_versions,
)
from stores.redis.values import Load, VersionUnreadable, read_version
from tests.integration.history import History, a_job

MAY = date(2018, 5, 1)
Timelines = Mapping[str, bytes]


class Shop:
    """A job on real servers, and what a request would read."""

    def __init__(self, job: Job, client: "redis.Redis", root: Path) -> None:
        self.job, self.client, self.root = job, client, root
        self.timelines = job.feature_set.timelines_id
        self.store = open_store(job.settings.storage_url)
        self._keys = EntityKeys(job.settings.entity_key, self.timelines)
        self._runs = 0

    def key(self, name: str) -> bytes:
        return self._keys.key(1, "card", name)

    def committed(self, as_of: date, timelines: Timelines, **facts: object) -> NewLoad:
        """A committed snapshot that says this of some cards."""
        self._runs += 1
        folder = run_folder(DATASET, f"r{self._runs}")
        (self.root / folder).mkdir(parents=True)
        rows = [(self.key(name), content) for name, content in timelines.items()]
        table = pa.table(
            {
                "entity": pa.array([key for key, _ in rows], pa.binary()),
                "timeline": pa.array([content for _, content in rows], pa.binary()),
            }
        )
        pq.write_table(table, self.root / folder / "part-0.parquet")
        return self.commit_files(as_of, describe_files(self.store, folder), **facts)

    def commit_files(self, as_of: date, files: tuple[DataFile, ...], **facts: object) -> NewLoad:
        cutoff = datetime(as_of.year, as_of.month, as_of.day, 3, tzinfo=UTC)
        values: dict[str, object] = {
            "as_of": as_of,
            "cutoff": cutoff,
            "watermark": 1,
            "generation": 1,
            "timelines": self.timelines,
            "feature_set": self.job.feature_set.version,
            "timezone": "America/Sao_Paulo",
            "entity_key_id": self.job.entity_key_id,
        }
        manifest = Manifest(
            slot=snapshot_slot(self.timelines, as_of),
            run=f"r{self._runs}",
            files=files,
            facts=SnapshotFacts(**(values | facts)),  # type: ignore[arg-type]
            provenance=provenance(at=cutoff, by="test"),
        )
        return NewLoad(
            as_of=as_of,
            cutoff=cutoff,
            watermark=1,
            generation=1,
            timelines=self.timelines,
            revision=commit_manifest(self.store, manifest),
            entities=manifest.rows,
            checksum=checksum_of(files),
        )

    def register(self, load: NewLoad) -> LoadRow:
        with self.job.connect() as connection:
            return register_load(connection, load)

    def publish(self, row: LoadRow) -> int:
        with self.job.connect() as connection:
            stores = OpenStores(connection, self.client, self.store)
            return publish(self.job, stores, row, StageTimer(self.job.say))

    def night(self, as_of: date, **timelines: bytes) -> LoadRow:
        """A snapshot, committed and published."""
        row = self.register(self.committed(as_of, timelines))
        self.publish(row)
        return row

    def listed(self) -> list[int]:
        return [load.load_id for load in read_published(self.client, self.timelines).loads]

    def sees(self, name: str, load_id: int) -> bytes | None:
        """What a request that resolved `load_id` reads of a card."""
        key = self.key(name)
        value = self.client.get(value_key(self.timelines, key))
        return read_version(value, key, load_id, frozenset(self.listed()))  # type: ignore[arg-type]

    def loads(self) -> list[LoadRow]:
        with self.job.connect() as connection:
            return list(loads_of(connection, self.timelines))


def days(n: int) -> date:
    return MAY + timedelta(days=n)


@pytest.fixture
def shop(database_url: str, redis_url: str, storage_url: str, tmp_path: Path) -> Iterator[Shop]:
    with redis.Redis.from_url(redis_url) as client:
        yield Shop(a_job(database_url, redis_url, storage_url), client, tmp_path / "storage")


def test_a_published_load_is_read_and_recorded(shop: Shop) -> None:
    row = shop.night(MAY, c1=b"one", c2=b"two")

    assert shop.listed() == [row.load_id]
    assert shop.sees("c1", row.load_id) == b"one"
    assert shop.sees("stranger", row.load_id) is None
    assert shop.loads()[0].published_at is not None


def test_the_list_says_what_the_load_is(shop: Shop) -> None:
    row = shop.night(MAY, c1=b"one")

    (load,) = read_published(shop.client, shop.timelines).loads
    assert load == Load(
        row.load_id, MAY.toordinal(), 1525143600000000, 1, row.checksum, row.revision
    )


def test_two_loads_are_side_by_side(shop: Shop) -> None:
    first = shop.night(MAY, c1=b"one")
    second = shop.night(days(1), c1=b"one more", c2=b"new")

    assert shop.sees("c1", first.load_id) == b"one"
    assert shop.sees("c1", second.load_id) == b"one more"
    assert shop.sees("c2", first.load_id) is None


def test_an_entity_that_did_nothing_is_not_written_again(shop: Shop) -> None:
    shop.night(MAY, c1=b"one", c2=b"two")
    row = shop.register(shop.committed(days(1), {"c1": b"one", "c2": b"changed"}))

    assert shop.publish(row) == 1
    assert shop.sees("c1", row.load_id) == b"one"


def test_publishing_again_changes_nothing(shop: Shop) -> None:
    row = shop.night(MAY, c1=b"one")
    before = {key: shop.client.dump(key) for key in shop.client.keys("*")}

    assert shop.publish(row) == 0
    assert {key: shop.client.dump(key) for key in shop.client.keys("*")} == before


def killed_while_writing(shop: Shop, row: LoadRow, timelines: Timelines) -> None:
    """What a loader leaves that dies after some writes and before the list."""
    fence = Fence.fresh(row.load_id)
    take_fence(shop.client, shop.timelines, fence)
    rows = [(shop.key(name), content) for name, content in timelines.items()]
    listed = read_published(shop.client, shop.timelines).ids
    write_versions(shop.client, shop.timelines, fence, rows, listed)


def test_what_a_killed_load_wrote_is_invisible(shop: Shop) -> None:
    first = shop.night(MAY, c1=b"one")
    dead = shop.register(shop.committed(days(1), {"c1": b"half", "c2": b"half"}))
    killed_while_writing(shop, dead, {"c1": b"half", "c2": b"half"})

    assert shop.sees("c1", first.load_id) == b"one"
    assert shop.sees("c1", dead.load_id) == b"one"
    assert shop.sees("c2", dead.load_id) is None


def test_a_killed_load_is_finished_under_its_id_to_the_same_bytes(shop: Shop) -> None:
    timelines = {f"c{n}": b"t%d" % n for n in range(50)}
    row = shop.register(shop.committed(MAY, timelines))
    killed_while_writing(shop, row, dict(list(timelines.items())[:20]))
    shop.publish(row)
    resumed = {key: shop.client.get(key) for key in shop.client.keys(b"*:e:*")}

    for key in shop.client.keys("*"):
        shop.client.delete(key)
    shop.publish(row)
    assert {key: shop.client.get(key) for key in shop.client.keys(b"*:e:*")} == resumed
    assert len(resumed) == 50


def test_a_corrected_load_never_shows_a_value_of_the_bad_one(shop: Shop) -> None:
    shop.night(MAY, c1=b"one")
    bad = shop.night(days(1), c1=b"bad", c2=b"bad")
    unpublish(shop.job)
    good = shop.night(days(1), c1=b"good")

    assert good.load_id > bad.load_id
    assert shop.sees("c1", good.load_id) == b"good"
    assert shop.sees("c2", good.load_id) is None


def test_unpublishing_brings_the_load_before_back(shop: Shop) -> None:
    first = shop.night(MAY, c1=b"one")
    second = shop.night(days(1), c1=b"two")

    assert unpublish(shop.job).load_id == second.load_id
    assert shop.listed() == [first.load_id]
    assert shop.sees("c1", first.load_id) == b"one"
    assert shop.loads()[1].withdrawn_at is not None


def test_a_withdrawn_load_is_not_published_again(shop: Shop) -> None:
    shop.night(MAY, c1=b"one")
    unpublish(shop.job)

    with pytest.raises(NothingToPublish, match="ontem snapshot"):
        publish_again(shop.job)


def test_an_unpublish_that_was_killed_is_finished_by_the_next(shop: Shop) -> None:
    first, second = shop.night(MAY, c1=b"one"), shop.night(days(1), c1=b"two")
    with shop.job.connect() as connection:
        mark_withdrawn(connection, second.load_id)

    unpublish(shop.job)
    assert shop.listed() == [first.load_id]


def test_with_nothing_published_there_is_nothing_to_withdraw(shop: Shop) -> None:
    with pytest.raises(NothingPublished, match="ontem snapshots"):
        unpublish(shop.job)


def test_going_back_further_than_versions_are_kept_is_refused(shop: Shop) -> None:
    for n in range(6):
        shop.night(days(n), c1=b"%d" % n)
    unpublish(shop.job)
    unpublish(shop.job)

    with pytest.raises(TooFarBack, match="no longer keeps"):
        unpublish(shop.job)
    newest = shop.listed()[-1]
    assert shop.sees("c1", newest) == b"3"
    with pytest.raises(VersionUnreadable):
        shop.sees("c1", newest - 1)


def test_one_bad_day_may_be_corrected_as_often_as_it_takes(shop: Shop) -> None:
    for n in range(5):
        shop.night(days(n), c1=b"%d" % n)
    for n in range(4):
        unpublish(shop.job)
        shop.night(days(4), c1=b"again %d" % n)

    assert shop.sees("c1", shop.listed()[-1]) == b"again 3"
    assert shop.sees("c1", shop.listed()[-2]) == b"3"


def test_an_older_day_than_the_newest_published_is_refused(shop: Shop) -> None:
    shop.night(days(3), c1=b"one")

    with pytest.raises(LoadTooOld, match="as of 2018-05-03"):
        shop.night(days(2), c1=b"older")


def test_an_older_load_id_is_refused_even_for_a_newer_day(shop: Shop) -> None:
    early = shop.register(shop.committed(days(5), {"c1": b"x"}))
    shop.night(days(1), c1=b"one")

    with pytest.raises(LoadTooOld):
        shop.publish(early)


def test_a_paused_loader_that_wakes_after_a_newer_one_changes_nothing(shop: Shop) -> None:
    old = shop.register(shop.committed(MAY, {"c1": b"old"}))
    paused = Fence.fresh(old.load_id)
    take_fence(shop.client, shop.timelines, paused)
    before = read_published(shop.client, shop.timelines)
    new = shop.night(days(1), c1=b"new")

    with pytest.raises(LoadFenced, match="overtaken"):
        write_versions(shop.client, shop.timelines, paused, [(shop.key("c1"), b"old")], frozenset())
    with pytest.raises(LoadFenced):
        set_list(shop.client, shop.timelines, paused, before, before.loads)
    with pytest.raises(LoadFenced):
        take_fence(shop.client, shop.timelines, Fence.fresh(old.load_id))
    assert shop.sees("c1", new.load_id) == b"new"


def test_of_two_runs_of_one_load_the_later_may_write(shop: Shop) -> None:
    first, second = Fence.fresh(1), Fence.fresh(1)
    take_fence(shop.client, shop.timelines, first)
    take_fence(shop.client, shop.timelines, second)

    with pytest.raises(LoadFenced):
        write_versions(shop.client, shop.timelines, first, [(shop.key("c1"), b"x")], frozenset())


def test_a_paused_loader_can_not_list_its_load_after_an_unpublish(shop: Shop) -> None:
    shop.night(MAY, c1=b"one")
    row = shop.register(shop.committed(days(1), {"c1": b"two"}))
    paused = Fence.fresh(row.load_id)
    take_fence(shop.client, shop.timelines, paused)
    before = read_published(shop.client, shop.timelines)
    unpublish(shop.job)

    with pytest.raises(LoadFenced):
        set_list(shop.client, shop.timelines, paused, before, before.loads)
    assert shop.listed() == []


def test_two_jobs_do_not_load_at_once_and_the_other_is_named(shop: Shop) -> None:
    shop.night(MAY, c1=b"one")
    with shop.job.connect() as other:
        lock_loads(other, shop.timelines)
        pid = other.info.backend_pid
        with pytest.raises(LoaderRunning, match=f"database process {pid}"):
            unpublish(shop.job)

    unpublish(shop.job)


def test_a_redis_that_lost_everything_is_filled_again(shop: Shop) -> None:
    row = shop.night(MAY, c1=b"one")
    for key in shop.client.keys("*"):
        shop.client.delete(key)

    night = publish_again(shop.job)
    assert (night.load.load_id, night.written) == (row.load_id, 1)
    assert shop.sees("c1", row.load_id) == b"one"


class Told:
    """A Redis of another make: it answers INFO as one of that configuration would."""

    def __init__(self, **memory: object) -> None:
        self._memory = {"maxmemory_policy": "noeviction", "maxmemory": 0, "used_memory": 0} | memory

    def info(self, _: str) -> dict[str, object]:
        return self._memory


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl", "allkeys-random"])
def test_a_redis_that_may_evict_is_refused(policy: str) -> None:
    with pytest.raises(RedisMayEvict, match=f"{policy}.*noeviction"):
        check_room(Told(maxmemory_policy=policy), "here", 0)  # type: ignore[arg-type]


def test_a_redis_without_room_is_refused() -> None:
    with pytest.raises(RedisFull, match=r"40 bytes left .* about 41"):
        check_room(Told(maxmemory=100, used_memory=60), "here", 41)  # type: ignore[arg-type]
    check_room(Told(maxmemory=100, used_memory=60), "here", 40)  # type: ignore[arg-type]


def test_the_real_redis_may_not_evict(shop: Shop) -> None:
    check_room(shop.client, "here", 10**6)


def test_a_redis_that_goes_away_leaves_a_sentence(shop: Shop) -> None:
    gone = redis.Redis(port=1)

    with pytest.raises(RedisLost, match="stays as it was"):
        write_versions(gone, shop.timelines, Fence.fresh(1), [(bytes(24), b"")], frozenset())


def test_a_value_that_is_not_ours_is_named(shop: Shop) -> None:
    shop.client.set(value_key(shop.timelines, shop.key("c1")), b"not ours")

    with pytest.raises(ValueDamaged, match="delete that key"):
        shop.night(MAY, c1=b"one")


def test_a_damaged_list_is_refused_and_published_anew_once_its_key_is_deleted(shop: Shop) -> None:
    row = shop.night(MAY, c1=b"one")
    shop.client.set(list_key(shop.timelines), b"damaged")

    with pytest.raises(ListDamaged, match="delete that key, then run `ontem publish`") as refusal:
        publish_again(shop.job)
    shop.client.delete(refusal.value.key)
    publish_again(shop.job)
    assert shop.sees("c1", row.load_id) == b"one"


def refused_at_the_gate(shop: Shop, load: NewLoad, error: type[Exception], sentence: str) -> None:
    row = shop.register(load)
    before = shop.listed()
    with pytest.raises(error, match=sentence):
        shop.publish(row)
    assert shop.listed() == before


def test_a_snapshot_of_another_secret_is_refused(shop: Shop) -> None:
    load = shop.committed(MAY, {"c1": b"one"}, entity_key_id="another")

    refused_at_the_gate(shop, load, OtherEntityKey, "ONTEM_ENTITY_KEY")


def test_an_empty_snapshot_is_refused(shop: Shop) -> None:
    refused_at_the_gate(shop, shop.committed(MAY, {}), NoOrders, "ontem import")


def test_a_snapshot_that_forgot_entities_is_refused(shop: Shop) -> None:
    shop.night(MAY, c1=b"one", c2=b"two")

    refused_at_the_gate(shop, shop.committed(days(1), {"c1": b"one"}), SnapshotShrunk, "1 entities")


@pytest.mark.parametrize(
    ("entities", "timelines", "sentence"),
    [
        ([bytes(24), bytes(24)], [b"a", b"b"], "appears twice"),
        ([bytes(24), bytes(23)], [b"a", b"b"], "not have 24 bytes"),
        ([bytes(24), None], [b"a", b"b"], "null"),
        ([bytes(24), bytes([1] * 24)], [b"a", None], "null"),
    ],
)
def test_a_snapshot_with_bad_rows_is_refused(
    shop: Shop, entities: list[bytes | None], timelines: list[bytes | None], sentence: str
) -> None:
    folder = shop.root / "runs" / "snapshot" / "bad"
    folder.mkdir(parents=True)
    table = pa.table(
        {
            "entity": pa.array(entities, pa.binary()),
            "timeline": pa.array(timelines, pa.binary()),
        }
    )
    pq.write_table(table, folder / "part-0.parquet")
    load = shop.commit_files(MAY, describe_files(shop.store, "runs/snapshot/bad"))

    refused_at_the_gate(shop, load, SnapshotDamaged, sentence)


def test_a_snapshot_whose_files_changed_is_refused(shop: Shop) -> None:
    load = shop.committed(MAY, {"c1": b"one"})
    (path,) = shop.root.rglob("*.parquet")
    path.write_bytes(path.read_bytes()[:-1] + b"x")

    refused_at_the_gate(shop, load, FileDamaged, "sha256")


def test_nothing_in_redis_names_a_value(shop: Shop, history: History) -> None:
    shop.night(MAY, **{"4111111111111111": b"one"})

    for key in shop.client.keys("*"):
        assert b"4111111111111111" not in key
        assert b"4111111111111111" not in (shop.client.get(key) or b"")  # type: ignore[operator]


@pytest.fixture
def history(database_url: str) -> History:
    return History(database_url)
