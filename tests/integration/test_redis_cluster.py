"""A Redis cluster of three primaries with a replica each: load, switch, roll-back, a failover."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from jobs.snapshot.night import publish_again
from jobs.snapshot.withdraw import unpublish
from stores.redis.bucket_writer import BucketWriter
from stores.redis.cluster import check_same_servers, server_runs
from stores.redis.connection import RedisUnavailable, connect_redis
from stores.redis.errors import RedisLost, RedisMayEvict
from stores.redis.fence import fence_holders
from stores.redis.keys import GROUPS
from stores.redis.published import read_published, shows_all
from stores.redis.reader import OnlineReader
from tests.integration.history import a_job
from tests.integration.publishing_shop import PublishingShop, days
from tests.integration.readers import FAR_DAY, Readers
from tests.redis_cluster import Cluster, a_cluster, make_lead, wait_until
from tests.redis_server import RedisServer

CARDS = 400


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with a_cluster(tmp_path / "cluster") as made:
        yield made


@pytest.fixture
def clustered(
    cluster: Cluster, database_url: str, storage_url: str, storage_folder: Path
) -> Iterator[PublishingShop]:
    with connect_redis(cluster.url) as client:
        job = a_job(database_url, cluster.url, storage_url)
        yield PublishingShop(job, client, storage_folder)


def timelines(day: int) -> dict[str, bytes]:
    return {f"c{n}": b"day %d of %d" % (day, n) for n in range(CARDS)}


def by_key(shop: PublishingShop, day: int) -> Mapping[bytes, bytes]:
    return {shop.key(name): timeline for name, timeline in timelines(day).items()}


def read_all(shop: PublishingShop, url: str) -> tuple[int, Mapping[bytes, bytes | None]]:
    """The load and the timelines that a request of the service would find for all cards."""
    reader = OnlineReader(url, shop.namespace, timeout=timedelta(seconds=30))
    reader.connect()
    reader.send(list(by_key(shop, 0)))
    read = reader.receive(FAR_DAY, 10**6)
    assert reader.is_usable
    reader.close()
    return read.load.load_id, read.timelines


def test_loads_are_published_read_and_withdrawn(
    clustered: PublishingShop, cluster: Cluster
) -> None:
    shop = clustered
    with Readers(cluster.url, shop.namespace) as readers:
        loads = []
        for day in range(3):
            row = shop.register(shop.committed(days(day), timelines(day)))
            readers.expected = {**readers.expected, row.load_id: by_key(shop, day)}
            shop.publish(row)
            loads.append(row.load_id)
            assert read_all(shop, cluster.url) == (row.load_id, by_key(shop, day))
            published = read_published(shop.client, shop.namespace)
            assert shows_all(published, fence_holders(shop.client, shop.namespace))

        assert unpublish(shop.job).load_id == loads[2]
        assert read_all(shop, cluster.url) == (loads[1], by_key(shop, 1))
    assert readers.mixed == 0
    assert readers.reads > 0


def test_a_primary_that_is_killed_in_the_middle_of_a_load_keeps_it_from_being_published(
    clustered: PublishingShop, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, killed = clustered, cluster.servers[1]
    first = shop.register(shop.committed(days(0), timelines(0)))
    shop.publish(first)
    row = shop.register(shop.committed(days(1), timelines(1)))
    for server in cluster.servers[3:]:  # replicas that are behind would not be elected
        with connect_redis(server.url) as replica:
            assert replica.info("replication")["master_link_status"] == "up"
    write = BucketWriter._write_batch

    def killing(writer: BucketWriter, group: int, keys: list[bytes], contents: object) -> None:
        if group == GROUPS // 2:
            killed.kill()
        write(writer, group, keys, contents)  # type: ignore[arg-type]

    with Readers(cluster.url, shop.namespace) as readers:
        readers.expected = {
            first.load_id: by_key(shop, 0), row.load_id: by_key(shop, 1),
        }  # fmt: skip
        monkeypatch.setattr(BucketWriter, "_write_batch", killing)
        with pytest.raises(RedisLost, match="run the same command again"):
            shop.publish(row)
        monkeypatch.undo()
        assert readers.seen <= {first.load_id}
        cluster.wait_for_failover(killed)
        with connect_redis(cluster.url) as client:
            after = PublishingShop(shop.job, client, shop.root)
            assert read_all(after, cluster.url) == (first.load_id, by_key(shop, 0))

            publish_again(shop.job)
            assert read_all(after, cluster.url) == (row.load_id, by_key(shop, 1))
    assert readers.mixed == 0


def test_a_failover_that_no_write_notices_refuses_the_switch(
    clustered: PublishingShop, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = clustered
    first = shop.night(days(0), **timelines(0))
    row = shop.register(shop.committed(days(1), timelines(1)))
    monkeypatch.setattr("stores.redis.cluster.server_runs", lambda _: frozenset({"another"}))

    with pytest.raises(RedisLost, match=r"restarted or has failed over.*run the same command"):
        shop.publish(row)
    assert shop.listed() == [first.load_id]


def test_a_primary_that_became_a_replica_in_the_same_run_is_noticed(
    clustered: PublishingShop, cluster: Cluster
) -> None:
    before = server_runs(clustered.client)
    check_same_servers(clustered.client, before)
    with connect_redis(cluster.servers[4].url) as replica:
        make_lead(replica)
    with connect_redis(cluster.servers[1].url) as former:
        wait_until(lambda: former.info("replication")["role"] == "slave")
    cluster.wait_for_failover(cluster.servers[1])

    with pytest.raises(RedisLost, match="failed over"):
        check_same_servers(clustered.client, before)


def test_a_cluster_that_may_evict_on_one_primary_is_refused(
    clustered: PublishingShop, cluster: Cluster
) -> None:
    with connect_redis(cluster.servers[2].url) as primary:
        primary.config_set("maxmemory-policy", "allkeys-lru")
    row = clustered.register(clustered.committed(days(0), timelines(0)))

    with pytest.raises(RedisMayEvict, match="allkeys-lru"):
        clustered.publish(row)
    assert clustered.listed() == []


def test_a_cluster_that_is_not_there_or_none_is_a_sentence(tmp_path: Path) -> None:
    server = RedisServer(tmp_path / "redis")
    with pytest.raises(RedisUnavailable, match=f"127.0.0.1:{server.port}"):
        connect_redis(f"{server.url}?cluster=yes")
    server.start()
    with pytest.raises(RedisUnavailable, match="luster"):
        connect_redis(f"{server.url}?cluster=yes")
    server.remove()
