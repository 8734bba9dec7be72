"""What readers and clients of a Redis cluster meet when it fails, on a cluster of one server."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import redis

from features_pkg.entity_keys import EntityKeys
from jobs.store.online import count_keys, remove_keys
from service.deadline import Deadline
from stores.postgres.sessions import open_session
from stores.redis.cluster import infos, read_each
from stores.redis.connection import connect_redis
from stores.redis.keys import GROUPS, Namespace
from stores.redis.reader import OnlineReader, OnlineReadFailed
from tests.e2e.in_process import until
from tests.redis_cluster import SLOTS, a_cluster_of_one
from tests.redis_server import RedisServer

NAMESPACE = Namespace.of(EntityKeys(b"a secret of the tests", "timelines"))


@pytest.fixture
def node(tmp_path: Path) -> Iterator[RedisServer]:
    with a_cluster_of_one(tmp_path / "node") as made:
        yield made


def test_an_error_that_was_noticed_early_is_the_answer(node: RedisServer) -> None:
    reader = OnlineReader(f"{node.url}?cluster=yes", NAMESPACE, timeout=timedelta(seconds=30))
    reader.connect()
    with redis.Redis.from_url(node.url) as client:
        client.execute_command("CLUSTER DELSLOTS", *range(SLOTS))
    reader.send([bytes(24)])
    assert until(lambda: reader.has_answer, bool)
    reader.seconds_left = Deadline.within(timedelta()).left

    with pytest.raises(OnlineReadFailed, match="CLUSTERDOWN"):
        reader.receive(736_846, 0)


def test_all_keys_of_a_namespace_are_removed_and_nobody_else_s(
    node: RedisServer, database_url: str
) -> None:
    others = Namespace(NAMESPACE.timelines, "another")
    with (
        connect_redis(f"{node.url}?cluster=yes") as client,
        open_session(database_url, application_name="test") as connection,
    ):
        for namespace in (NAMESPACE, others):
            for group in range(GROUPS):
                client.set(namespace.list_key(group), b"a list")
                for key in namespace.bucket_keys(5, group, range(5)):
                    client.set(key, b"a bucket")

        assert count_keys(client, NAMESPACE) == 6 * GROUPS
        assert remove_keys(connection, client, NAMESPACE) == 6 * GROUPS
        assert count_keys(client, NAMESPACE) == 0
        assert count_keys(client, others) == 6 * GROUPS


def test_a_cluster_that_is_lost_fails_as_a_single_server_does(node: RedisServer) -> None:
    with connect_redis(f"{node.url}?cluster=yes") as client:
        assert client.get("a") is None
        node.kill()
        for ask in (
            lambda: client.get("a"),
            lambda: read_each(client, [b"a", b"b"]),
            lambda: infos(client, "memory"),
        ):
            with pytest.raises(redis.ConnectionError):
                ask()
