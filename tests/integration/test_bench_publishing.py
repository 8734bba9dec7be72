"""What redis-benchmark does to the Redis of a measured stack."""

import sys
from pathlib import Path

import pytest
import redis

from benchmarks.publishing import OTHER_DATABASE, BucketShape, buckets_a_second
from tests.servers import with_database

SETS_ONE = """
import sys, redis
words = dict(zip(sys.argv[1::2], sys.argv[2::2]))
client = redis.Redis(words["-h"], int(words["-p"]), int(words["--dbnum"]), words["-a"] or None)
client.set("made-up", "x" * int(words["-d"]))
print('"SET","1000.00"')
"""


def test_the_values_of_redis_benchmark_are_apart_from_those_of_the_stack(
    redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SETS_ONE", SETS_ONE)
    program = tmp_path / "redis-benchmark"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "$SETS_ONE" "$@"\n')
    program.chmod(0o755)
    url = with_database(redis_url, str(OTHER_DATABASE - 1))
    with redis.Redis.from_url(url) as client:
        client.set("bucket", "of the stack")
        per_second = buckets_a_second(str(program), url, BucketShape(buckets=1, value_bytes=10))
        assert per_second == 1000
        assert client.keys() == [b"bucket"]
        client.flushdb()
    with redis.Redis.from_url(with_database(redis_url, str(OTHER_DATABASE))) as other:
        assert other.dbsize() == 0
