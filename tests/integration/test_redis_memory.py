"""What loads take of Redis' memory: bytes an entity, and how they grow over the nights."""

import random
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import redis

from stores.redis.keys import Namespace
from stores.redis.load_list import Load
from stores.redis.publish import choose_buckets
from stores.redis.published import read_published
from tests.online import publish_load
from tests.redis_server import RedisServer

ENTITIES = 20_000
TIMELINE_BYTES = 41
"""The mean of those of generated orders (`make bench ARGS=online_store`)."""
NAMESPACE = Namespace("0123456789ab", "ba9876543210")


@pytest.fixture
def client(tmp_path: Path) -> Iterator["redis.Redis"]:
    server = RedisServer(tmp_path / "redis", "--appendonly", "no")
    server.start()
    with redis.Redis.from_url(server.url) as client:
        yield client
    server.remove()


class Nights:
    """Loads of the same entities, one after the other."""

    def __init__(self, client: "redis.Redis") -> None:
        self._client, self._nights = client, 0
        self._empty = self._used()
        self._choice = random.Random(1)  # noqa: S311  no secret
        keys = [self._choice.randbytes(24) for _ in range(ENTITIES)]
        self._timelines = {key: self._choice.randbytes(TIMELINE_BYTES) for key in keys}

    def night(self, share: float) -> float:
        """Publish a load in which so many timelines are new; bytes an entity of all loads."""
        self._nights += 1
        for key in self._timelines:
            if self._choice.random() < share:
                self._timelines[key] = self._choice.randbytes(TIMELINE_BYTES)
        publish_load(self._client, NAMESPACE, self._load(), self._timelines)
        return (self._used() - self._empty) / ENTITIES

    def _load(self) -> Load:
        load_list = read_published(self._client, NAMESPACE).load_list
        buckets = choose_buckets(ENTITIES, load_list)
        return Load(self._nights, self._nights, 0, ENTITIES, "0" * 32, buckets)

    def _used(self) -> int:
        memory: Mapping[str, int] = self._client.info("memory")  # type: ignore[assignment]
        return memory["used_memory"]


def test_an_entity_takes_at_most_75_bytes_with_one_version_and_165_with_three(
    client: "redis.Redis",
) -> None:
    nights = Nights(client)

    assert nights.night(0) <= 75
    nights.night(1)
    assert nights.night(1) <= 165


def test_after_twelve_nights_of_a_tenth_each_the_memory_is_at_most_1_4_times(
    client: "redis.Redis",
) -> None:
    nights = Nights(client)
    first = nights.night(0)

    assert [nights.night(0.1) for _ in range(12)][-1] <= 1.4 * first
