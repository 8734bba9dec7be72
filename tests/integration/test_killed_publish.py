"""`kill -9` of a worker, an executor, Redis or the driver in the middle of a publish by executors.

Requests go on meanwhile, and each is answered by one load. What is there in the end is what a run
has left that nobody disturbed. `make test-publish` kills each victim at three points.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from jobs.snapshot.night import publish_again
from stores.postgres.loads import LoadRow
from stores.redis.keys import GROUPS
from tests.integration.history import a_job
from tests.integration.publishing_shop import PublishingShop, days
from tests.integration.readers import Readers
from tests.redis_server import RedisServer

PROJECT = Path(__file__).parents[2]
CARDS = 2_000
VICTIMS = ("worker", "executor", "redis", "driver")
SHARES = (0.1, 0.5, 0.9)
KILLS = (
    [(victim, share) for victim in VICTIMS for share in SHARES]
    if os.environ.get("ONTEM_ALL_KILLS")
    else [("worker", 0.1), ("executor", 0.9), ("redis", 0.5), ("driver", 0.5)]
)


def timelines(day: int) -> dict[str, bytes]:
    """What is said of all cards on a day: a third of them does something on each."""
    return {f"c{n}": b"day %d of %d" % (day - (day + n) % 3, n) for n in range(CARDS)}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path / "redis")
    server.start()
    yield server
    server.remove()


@pytest.fixture
def killed_shop(
    database_url: str, server: RedisServer, storage_url: str, storage_folder: Path
) -> Iterator[PublishingShop]:
    with redis.Redis.from_url(server.url) as client:
        yield PublishingShop(a_job(database_url, server.url, storage_url), client, storage_folder)


class Twin:
    """Another database of the same Redis, in which nobody is killed."""

    def __init__(self, shop: PublishingShop, database_url: str, storage_url: str, url: str) -> None:
        self._source = shop.client
        client = redis.Redis.from_url(url)
        self._shop = PublishingShop(a_job(database_url, url, storage_url), client, shop.root)

    def copy(self) -> None:
        """Have what the other database has now."""
        self._shop.client.flushdb()
        for key in self._source.keys("*"):
            self._shop.client.restore(key, 0, self._source.dump(key))

    def publish(self, row: LoadRow) -> dict[bytes, bytes]:
        """What is there once the load is published."""
        self._shop.publish(row)
        return self._shop.contents()


@pytest.fixture
def twin(
    killed_shop: PublishingShop, database_url: str, server: RedisServer, storage_url: str
) -> Twin:
    url = server.url.removesuffix("0") + "1"
    return Twin(killed_shop, database_url, storage_url, url)


class Publisher:
    """A process that publishes with executors; another one once it was killed."""

    def __init__(self, settings: dict[str, str]) -> None:
        self._settings = settings
        self._process: subprocess.Popen[str] | None = None

    @property
    def process(self) -> "subprocess.Popen[str]":
        if self._process is None or self._process.poll() is not None:
            command = [sys.executable, "-m", "tests.integration.killed_publish"]
            self._process = subprocess.Popen(
                [*command, json.dumps(self._settings)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env=os.environ | {"PYTHONPATH": str(PROJECT)},
            )
        return self._process

    def publish(self, victim: str, pid: int, batches: int, progress: Path) -> str:
        process = self.process
        assert process.stdin is not None
        assert process.stdout is not None
        kill = {
            "victim": victim,
            "pid": process.pid if victim == "driver" else pid,
            "batches": batches,
            "progress": str(progress),
        }
        process.stdin.write(json.dumps(kill) + "\n")
        process.stdin.flush()
        return process.stdout.readline().strip()

    def end(self) -> None:
        if self._process is not None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            self._process.wait(60)


@pytest.fixture
def publisher(
    database_url: str, server: RedisServer, storage_url: str, tmp_path: Path
) -> Iterator[Publisher]:
    publisher = Publisher(
        {
            "postgres_url": database_url,
            "redis_url": server.url,
            "storage_url": storage_url,
            "scratch": str(tmp_path / "spark"),
        }
    )
    yield publisher
    publisher.end()


@pytest.mark.slow
def test_whoever_is_killed_requests_see_one_load_and_the_next_run_ends_as_any(
    killed_shop: PublishingShop,
    twin: Twin,
    publisher: Publisher,
    server: RedisServer,
    tmp_path: Path,
) -> None:
    shop = killed_shop
    newest = shop.night(days(0), **timelines(0))
    with Readers(server.url, shop.namespace) as readers:
        readers.expected[newest.load_id] = by_key(shop, 0)
        for day, (victim, share) in enumerate(KILLS, 1):
            row = shop.register(shop.committed(days(day), timelines(day)))
            readers.expected[row.load_id] = by_key(shop, day)
            readers.seen.clear()
            twin.copy()
            progress = tmp_path / f"progress{day}"

            ended = publisher.publish(victim, server.pid, int(share * GROUPS), progress)

            assert progress.stat().st_size >= int(share * GROUPS), ended
            if victim in ("redis", "driver"):
                if victim == "redis":
                    assert ended.startswith("RedisLost")
                    server.wait()
                    server.start()
                assert shop.listed()[-1] == newest.load_id
                assert readers.seen <= {newest.load_id}
                publish_again(shop.job)
            else:
                assert ended == "published"  # Spark has tried the range again
            assert shop.listed()[-1] == row.load_id
            assert shop.contents() == twin.publish(row), (victim, share)
            newest = row
    assert readers.mixed == 0
    assert readers.reads > 0


def by_key(shop: PublishingShop, day: int) -> dict[bytes, bytes]:
    """What is said of all cards on a day, by entity key."""
    return {shop.key(name): timeline for name, timeline in timelines(day).items()}
