"""What is not published, and the sentence that says why."""

from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import redis

from jobs.job import Job
from jobs.snapshot.errors import (
    NoOrders,
    SnapshotDamaged,
    SnapshotShrunk,
)
from jobs.snapshot.night import publish_again, snapshot
from jobs.snapshot.withdraw import unpublish
from stores.offline.errors import FileDamaged
from stores.offline.runs import describe_files
from stores.postgres.loads import (
    NewLoad,
)
from stores.redis.buckets import ValueUnreadable
from stores.redis.errors import ListDamaged, RedisFull, RedisIsReplica, RedisLost, RedisMayEvict
from stores.redis.fence import Fence, take_fence
from stores.redis.keys import GROUPS
from stores.redis.load_list import Load, LoadList
from stores.redis.memory import check_room
from tests.integration.history import History, a_job
from tests.integration.night_shop import JUNE
from tests.integration.publishing_shop import MAY, PublishingShop, days, snapshot_rows
from tests.online import bucket_key, write_load
from tests.redis_server import RedisServer

A_LOAD = Load(1, MAY.toordinal(), 0, 1, "", 1)


def snapshot_of_today(job: Job) -> object:
    return snapshot(job, days(2))


class InfoOnly:
    """A Redis that can only answer INFO, as one of this configuration would."""

    def __init__(self, **memory: object) -> None:
        self._memory = {"maxmemory_policy": "noeviction", "maxmemory": 0, "used_memory": 0} | memory

    def info(self, _: str) -> dict[str, object]:
        return self._memory


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl", "allkeys-random"])
def test_a_redis_that_may_evict_is_refused(policy: str) -> None:
    with pytest.raises(RedisMayEvict, match=f"{policy}.*noeviction"):
        check_room(InfoOnly(maxmemory_policy=policy), "here", 0)  # type: ignore[arg-type]


def test_a_redis_without_room_is_refused() -> None:
    with pytest.raises(RedisFull, match=r"40 bytes left .* about 41"):
        check_room(InfoOnly(maxmemory=100, used_memory=60), "here", 41)  # type: ignore[arg-type]
    with pytest.raises(RedisFull, match=r"has 0 bytes left: raise maxmemory"):
        check_room(InfoOnly(maxmemory=100, used_memory=101), "here", 0)  # type: ignore[arg-type]
    check_room(InfoOnly(maxmemory=100, used_memory=60), "here", 40)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("setting", "value", "refusal"),
    [
        ("maxmemory-policy", "allkeys-lru", RedisMayEvict),
        ("maxmemory", 1, RedisFull),
        ("replicaof", "127.0.0.1 1", RedisIsReplica),
    ],
)
def test_a_redis_that_can_take_no_load_is_refused_before_a_night_builds_one(
    database_url: str, tmp_path: Path, setting: str, value: str | int, refusal: type[Exception]
) -> None:
    history, server = History(database_url), RedisServer(tmp_path / "redis")
    history.order()
    server.start()
    try:
        with redis.Redis.from_url(server.url) as client:
            change = ("REPLICAOF",) if setting == "replicaof" else ("CONFIG", "SET", setting)
            client.execute_command(*change, *str(value).split())
        with pytest.raises(refusal):
            snapshot(a_job(database_url, server.url, (tmp_path / "store").as_uri()), JUNE)
    finally:
        server.kill()
    with history.connect() as connection:
        assert connection.execute("SELECT count(*) FROM loads").fetchall() == [(0,)]


def test_the_real_redis_may_not_evict(shop: PublishingShop) -> None:
    check_room(shop.client, "here", 10**6)


def test_a_redis_that_goes_away_is_reported_in_a_sentence(shop: PublishingShop) -> None:
    gone = redis.Redis(port=1)

    with pytest.raises(RedisLost, match="stays as it was"):
        write_load(gone, shop.namespace, A_LOAD, {}, fence=Fence.fresh(1), load_list=LoadList())


def test_a_redis_that_is_full_in_the_middle_of_a_load_names_maxmemory(
    shop: PublishingShop, tmp_path: Path
) -> None:
    server, fence = RedisServer(tmp_path / "redis"), Fence.fresh(1)
    server.start()
    try:
        with redis.Redis.from_url(server.url) as full:
            take_fence(full, shop.namespace, fence)
            full.config_set("maxmemory", 1)
            with pytest.raises(RedisLost) as lost:
                write_load(full, shop.namespace, A_LOAD, {}, fence=fence, load_list=LoadList())
    finally:
        server.kill()
    assert str(lost.value).endswith("raise maxmemory, then run the same command again")


def test_a_redis_that_became_a_replica_names_the_primary(
    shop: PublishingShop, tmp_path: Path
) -> None:
    server = RedisServer(tmp_path / "redis")
    server.start()
    try:
        with redis.Redis.from_url(server.url) as replica:
            replica.execute_command("REPLICAOF", "127.0.0.1", "1")
            with pytest.raises(RedisIsReplica, match=r"a replica of 127\.0\.0\.1:1"):
                check_room(replica, "here", 0)
            with pytest.raises(RedisLost, match="set ONTEM_REDIS_URL to the primary"):
                take_fence(replica, shop.namespace, Fence.fresh(1))
    finally:
        server.kill()


@pytest.mark.parametrize("damage", ["flipped", "deleted", "not ours"])
def test_a_damaged_bucket_is_missing_until_a_load_writes_it_anew(
    shop: PublishingShop, damage: str
) -> None:
    first = shop.night(MAY, c1=b"one")
    key = bucket_key(shop.namespace, shop.key("c1"), 1)
    content = bytearray(shop.contents()[key])
    content[-1] ^= 1
    if damage == "deleted":
        shop.client.delete(key)
    else:
        shop.client.set(key, bytes(content) if damage == "flipped" else b"not ours")

    with pytest.raises(ValueUnreadable):
        shop.sees("c1", first.load_id)
    second = shop.night(days(1), c1=b"one")
    assert shop.sees("c1", second.load_id) == b"one"
    with pytest.raises(ValueUnreadable, match="was dropped"):
        shop.sees("c1", first.load_id)
    stranger = next(
        name
        for name in (f"s{n}" for n in range(10_000))
        if bucket_key(shop.namespace, shop.key(name), 1) == key
    )
    assert shop.sees(stranger, second.load_id) is None
    with pytest.raises(ValueUnreadable):
        shop.sees(stranger, first.load_id)


@pytest.mark.parametrize("command", [snapshot_of_today, unpublish], ids=["night", "unpublish"])
def test_a_list_that_is_damaged_in_every_copy_is_a_sentence_with_a_way_out(
    shop: PublishingShop, command: Callable[[Job], object]
) -> None:
    first, second = shop.night(MAY, c1=b"one"), shop.night(days(1), c1=b"two")
    for group in range(GROUPS):
        shop.client.set(shop.namespace.list_key(group), b"damaged")

    with pytest.raises(ListDamaged, match="run `ontem publish`"):
        command(shop.job)
    publish_again(shop.job)
    assert shop.listed() == [first.load_id, second.load_id]
    assert shop.sees("c1", first.load_id) == b"one"


def test_a_copy_of_the_list_that_is_damaged_or_lost_is_written_by_the_next_load(
    shop: PublishingShop,
) -> None:
    shop.night(MAY, c1=b"one")
    shop.client.set(shop.namespace.list_key(3), b"damaged")
    shop.client.delete(shop.namespace.list_key(4))

    second = shop.night(days(1), c1=b"two")
    lists = {shop.client.get(shop.namespace.list_key(group)) for group in range(GROUPS)}
    assert len(lists) == 1
    assert shop.sees("c1", second.load_id) == b"two"


def test_a_fence_that_is_damaged_is_held_by_nobody(shop: PublishingShop) -> None:
    row = shop.night(MAY, c1=b"one")
    shop.client.set(shop.namespace.fence_key(5), b"zzz")

    shop.night(days(1), c1=b"two")
    shop.client.set(shop.namespace.fence_key(5), b"zzz")
    unpublish(shop.job)
    assert shop.listed() == [row.load_id]


def refused_at_the_gate(
    shop: PublishingShop, load: NewLoad, error: type[Exception], sentence: str
) -> None:
    row = shop.register(load)
    before = shop.listed()
    with pytest.raises(error, match=sentence):
        shop.publish(row)
    assert shop.listed() == before
    assert shop.loads()[-1].withdrawn_at is not None, "the load is not given up"


def test_a_snapshot_of_another_secret_is_refused(shop: PublishingShop) -> None:
    load = shop.committed(MAY, {"c1": b"one"}, entity_key_id="another")

    refused_at_the_gate(shop, load, SnapshotDamaged, "ONTEM_ENTITY_KEY")


def test_an_empty_snapshot_is_refused(shop: PublishingShop) -> None:
    refused_at_the_gate(shop, shop.committed(MAY, {}), NoOrders, "ontem import")


def test_a_snapshot_that_forgot_entities_is_refused(shop: PublishingShop) -> None:
    shop.night(MAY, c1=b"one", c2=b"two")

    refused_at_the_gate(shop, shop.committed(days(1), {"c1": b"one"}), SnapshotShrunk, "1 entities")


@pytest.mark.parametrize(
    ("entities", "timelines", "sentence"),
    [
        ([bytes(24), bytes(24)], [b"a", b"b"], "appears twice"),
        ([bytes([1] * 24), bytes(24)], [b"a", b"b"], "order of their keys"),
        ([bytes(24), bytes(23)], [b"a", b"b"], "not have 24 bytes"),
        ([bytes(24), None], [b"a", b"b"], "null"),
        ([bytes(24), bytes([1] * 24)], [b"a", None], "null"),
    ],
)
def test_a_snapshot_with_bad_rows_is_refused(
    shop: PublishingShop, entities: list[bytes | None], timelines: list[bytes | None], sentence: str
) -> None:
    folder = shop.root / "runs" / "snapshots" / "bad"
    folder.mkdir(parents=True)
    pq.write_table(snapshot_rows(MAY, entities, timelines), folder / "part-0.parquet")
    load = shop.commit_files(MAY, describe_files(shop.store.files, "runs/snapshots/bad"))

    refused_at_the_gate(shop, load, SnapshotDamaged, sentence)


def test_a_snapshot_whose_files_changed_is_refused(shop: PublishingShop) -> None:
    load = shop.committed(MAY, {"c1": b"one"})
    (path,) = shop.root.rglob("*.parquet")
    path.write_bytes(path.read_bytes()[:-1] + b"x")

    refused_at_the_gate(shop, load, FileDamaged, "sha256")


def test_an_entity_that_two_files_have_is_refused(shop: PublishingShop) -> None:
    folder = shop.root / "runs" / "snapshots" / "twice"
    folder.mkdir(parents=True)
    for part in range(2):
        pq.write_table(snapshot_rows(MAY, [bytes(24)], [b"a"]), folder / f"part-{part}.parquet")
    load = shop.commit_files(MAY, describe_files(shop.store.files, "runs/snapshots/twice"))

    refused_at_the_gate(shop, load, SnapshotDamaged, "appears twice")
