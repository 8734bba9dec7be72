"""A reply of Redis that a request leaves outstanding is never another request's."""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from random import Random

import psutil
import pytest
import redis

from features_pkg.entity_keys import EntityKeys
from ontem.stack.redis import _program
from service.deadline import Deadline
from service.online import OnlineStore, Question
from stores.redis.keys import Namespace
from stores.redis.load_list import Load
from stores.redis.reader import OnlineReader, OnlineReadFailed
from tests.e2e.faulty_stores import stopped
from tests.e2e.in_process import until
from tests.online import publish_load

NAMESPACE = Namespace.of(EntityKeys(b"a secret of the tests", "timelines"))
LONG, SHORT = timedelta(seconds=30), timedelta(seconds=1)
DAY = 736_846
KEYS = [bytes([group]) * 24 for group in range(0, 256, 8)]
OLD, NEW = (dict.fromkeys(KEYS, Random(seed).randbytes(60_000)) for seed in (1, 2))  # noqa: S311
"""The timelines of the keys: more than a socket takes while nobody reads."""


class Frozen:
    """A Redis of its own, with the old timelines, and a service's one connection to it."""

    def __init__(self, process: subprocess.Popen[bytes], url: str) -> None:
        self.process, self.url = psutil.Process(process.pid), url
        self.store = OnlineStore(url, NAMESPACE, connections=1)
        self.publish(1, OLD)
        self.store.start()

    def publish(self, load_id: int, timelines: Mapping[bytes, bytes]) -> None:
        load = Load(load_id, DAY, 0, entities=len(KEYS), checksum="", buckets=1)
        with redis.Redis.from_url(self.url) as client:
            publish_load(client, NAMESPACE, load, timelines)

    @property
    def ready(self) -> int:
        """How many connections the next request may take; frozen, Redis lets none be made."""
        return self.store.pool_sizes.ready

    def ask(self) -> tuple[Mapping[bytes, bytes | None], OnlineReader]:
        """The timelines as a request reads them, and the connection that brought it."""
        assert until(lambda: self.ready, bool)
        with self.store.question(KEYS, Deadline.within(LONG)) as question:
            return question.answer(DAY, 0).timelines, reader_of(question)


def reader_of(question: Question) -> OnlineReader:
    assert question._reader is not None
    return question._reader


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Frozen]:
    path = tmp_path / "s"
    words = [_program(), "--port", "0", "--unixsocket", str(path), "--save", ""]
    with subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.DEVNULL) as process:
        try:
            until(path.exists, bool)
            found = Frozen(process, f"unix://{path}")
            yield found
            found.store.close()
        finally:
            process.kill()


def test_a_connection_on_which_redis_froze_in_the_middle_of_a_reply_is_never_used_again(
    server: Frozen,
) -> None:
    timelines, first = server.ask()
    assert timelines == OLD
    with ExitStack() as frozen:
        with server.store.question(KEYS, Deadline.within(LONG)) as question:
            assert reader_of(question) is first
            assert until(first._connection.can_read, bool)
            frozen.enter_context(stopped([server.process]))
            assert not question.has_answer
            first.seconds_left = Deadline.within(SHORT).left
            with pytest.raises(OnlineReadFailed, match="timeout"):
                question.answer(DAY, 0)
        assert server.ready == 0
    server.publish(2, NEW)
    timelines, second = server.ask()

    assert second is not first
    assert timelines == NEW


def test_an_answer_that_is_there_is_taken_from_a_redis_that_froze_since(server: Frozen) -> None:
    assert until(lambda: server.ready, bool)
    with server.store.question(KEYS, Deadline.within(LONG)) as question:
        assert until(lambda: question.has_answer, bool)
        with stopped([server.process]):
            reader_of(question).seconds_left = Deadline.within(timedelta()).left
            assert question.answer(DAY, 0).timelines == OLD
    assert server.ready == 1


def test_a_reply_that_a_request_does_not_wait_for_is_dropped_with_its_connection(
    server: Frozen,
) -> None:
    assert until(lambda: server.ready, bool)
    with stopped([server.process]):
        with server.store.question(KEYS, Deadline.within(LONG)) as question:
            first = reader_of(question)
        assert server.ready == 0
    server.publish(2, NEW)
    timelines, second = server.ask()

    assert second is not first
    assert timelines == NEW
