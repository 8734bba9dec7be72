"""What is not published, and the sentence that says why."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import redis

from jobs.snapshot.errors import (
    NoOrders,
    OtherEntityKey,
    SnapshotDamaged,
    SnapshotShrunk,
)
from jobs.snapshot.night import publish_again
from stores.files.manifest import (
    FileDamaged,
    describe_files,
)
from stores.postgres.loads import (
    NewLoad,
)
from stores.redis.errors import (
    ListDamaged,
    RedisFull,
    RedisLost,
    RedisMayEvict,
    ValueDamaged,
)
from stores.redis.keys import list_key, value_key
from stores.redis.memory import check_room
from stores.redis.publish import (
    Fence,
    write_versions,
)
from tests.integration.history import a_job
from tests.integration.publishing_shop import MAY, PublishingShop, days


@pytest.fixture
def shop(
    database_url: str, redis_url: str, storage_url: str, storage_folder: Path
) -> Iterator[PublishingShop]:
    with redis.Redis.from_url(redis_url) as client:
        yield PublishingShop(a_job(database_url, redis_url, storage_url), client, storage_folder)


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
    check_room(InfoOnly(maxmemory=100, used_memory=60), "here", 40)  # type: ignore[arg-type]


def test_the_real_redis_may_not_evict(shop: PublishingShop) -> None:
    check_room(shop.client, "here", 10**6)


def test_a_redis_that_goes_away_is_reported_in_a_sentence(shop: PublishingShop) -> None:
    gone = redis.Redis(port=1)

    with pytest.raises(RedisLost, match="stays as it was"):
        write_versions(gone, shop.timelines, Fence.fresh(1), [(bytes(24), b"")], frozenset())


def test_a_value_that_no_job_wrote_is_named(shop: PublishingShop) -> None:
    shop.client.set(value_key(shop.timelines, shop.key("c1")), b"not ours")

    with pytest.raises(ValueDamaged, match="delete that key"):
        shop.night(MAY, c1=b"one")


def test_a_damaged_list_is_refused_and_published_anew_once_its_key_is_deleted(
    shop: PublishingShop,
) -> None:
    row = shop.night(MAY, c1=b"one")
    shop.client.set(list_key(shop.timelines), b"damaged")

    with pytest.raises(ListDamaged, match="delete that key, then run `ontem publish`") as refusal:
        publish_again(shop.job)
    shop.client.delete(refusal.value.key)
    publish_again(shop.job)
    assert shop.sees("c1", row.load_id) == b"one"


def refused_at_the_gate(
    shop: PublishingShop, load: NewLoad, error: type[Exception], sentence: str
) -> None:
    row = shop.register(load)
    before = shop.listed()
    with pytest.raises(error, match=sentence):
        shop.publish(row)
    assert shop.listed() == before


def test_a_snapshot_of_another_secret_is_refused(shop: PublishingShop) -> None:
    load = shop.committed(MAY, {"c1": b"one"}, entity_key_id="another")

    refused_at_the_gate(shop, load, OtherEntityKey, "ONTEM_ENTITY_KEY")


def test_an_empty_snapshot_is_refused(shop: PublishingShop) -> None:
    refused_at_the_gate(shop, shop.committed(MAY, {}), NoOrders, "ontem import")


def test_a_snapshot_that_forgot_entities_is_refused(shop: PublishingShop) -> None:
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
    shop: PublishingShop, entities: list[bytes | None], timelines: list[bytes | None], sentence: str
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


def test_a_snapshot_whose_files_changed_is_refused(shop: PublishingShop) -> None:
    load = shop.committed(MAY, {"c1": b"one"})
    (path,) = shop.root.rglob("*.parquet")
    path.write_bytes(path.read_bytes()[:-1] + b"x")

    refused_at_the_gate(shop, load, FileDamaged, "sha256")
