"""What nights publish, against what redis-benchmark writes into the same Redis."""

import csv
import io
import shutil
import subprocess
from dataclasses import dataclass
from statistics import mean, median
from urllib.parse import urlsplit

import redis

from benchmarks.night_runs import FULL, NightRuns, night_runs, redis_url
from benchmarks.size import ORDERS, repetitions
from benchmarks.warm_stack import DAYS
from benchmarks.watched import WatchedRun
from jobs.machine import usable_cores
from stores.redis.pace import MOST_BUCKETS

PROGRAMS = ("redis-benchmark", "valkey-benchmark")
OTHER_DATABASE = 15
SAMPLE = 2_000
BUCKETS = "o:*}*:*"
"""The keys of buckets alone: `o:timelines:key id:{tag}buckets:number`."""
TURNS = repetitions(5)


@dataclass(frozen=True)
class BucketShape:
    """How many buckets there are, and the bytes of one on average."""

    buckets: int
    value_bytes: int


def measure() -> list[str]:
    """The lines of the section, after the nights of the whole history."""
    runs = night_runs(ORDERS, DAYS)
    url = redis_url(runs.world.stack)
    shape = bucket_shape(url)
    program = next((found for name in PROGRAMS if (found := shutil.which(name))), None)
    per_second = None
    if program is not None:
        turns = [buckets_a_second(program, url, shape) for _ in range(TURNS)]
        per_second = median(turns) * (runs.more.row.rows or 0) / shape.buckets
    return _page(runs, shape, per_second)


def bucket_shape(url: str) -> BucketShape:
    """That of the buckets in Redis; their bytes are those of a sample."""
    with redis.Redis.from_url(url) as client:
        buckets = 0
        lengths: list[int] = []
        for key in client.scan_iter(match=BUCKETS, count=10_000):
            buckets += 1
            if len(lengths) < SAMPLE:
                lengths.append(int(client.strlen(key)))
    return BucketShape(buckets, round(mean(lengths)))


def buckets_a_second(program: str, url: str, shape: BucketShape) -> float:
    """How many values like these a client in C sets, in batches as great as Ontem's.

    They go into another database of the same Redis, which is empty before and afterwards.
    """
    address = urlsplit(url)
    command = [
        program,
        *("-h", str(address.hostname), "-p", str(address.port), "-a", address.password or ""),
        *("--dbnum", str(OTHER_DATABASE), "-t", "set", "-d", str(shape.value_bytes)),
        *("-n", str(shape.buckets), "-r", str(shape.buckets)),
        *("-c", str(usable_cores()), "-P", str(MOST_BUCKETS), "--csv"),
    ]
    other = address._replace(path=f"/{OTHER_DATABASE}").geturl()  # which wins over `db=`
    with redis.Redis.from_url(other) as client:
        client.flushdb()
        try:
            done = subprocess.run(command, check=True, capture_output=True, text=True)
        finally:
            client.flushdb()
    return rate_of(done.stdout)


def rate_of(table: str) -> float:
    """The requests a second in the CSV that redis-benchmark prints, with a head or without."""
    row = next(row for row in csv.reader(io.StringIO(table)) if row and row[0].startswith("SET"))
    return float(row[1])


def _publish_seconds(run: WatchedRun) -> float:
    return run.of("Redis")


def _page(runs: NightRuns, shape: BucketShape, per_second: float | None) -> list[str]:
    table = {
        "the first": runs.first,
        "few new orders": runs.few,
        "nothing new": runs.quiet,
        f"twice as many new orders, `{FULL}`": runs.more,
    }
    return [
        "## Publishing",
        "",
        (
            f"The nights of {runs.world.orders:,} generated orders of {DAYS} days, by their stages "
            f"that write to Redis, on the cores that they share with it ({usable_cores()}). "
            f"{_peer(shape, per_second)}"
        ),
        "",
        "| load | entities | written | seconds | entities a second | by redis-benchmark's |",
        "|---|---|---|---|---|---|",
        *(_row(name, run, per_second) for name, run in table.items()),
        "",
        (
            f"With one version of each entity Redis had "
            f"**{runs.redis_bytes / runs.entities:.1f} bytes** an entity (the goal is at most 75)."
        ),
    ]


def _peer(shape: BucketShape, per_second: float | None) -> str:
    like = f"{shape.buckets:,} values of {shape.value_bytes:,} bytes, as buckets are"
    if per_second is None:
        return f"redis-benchmark is not on PATH; it would set {like}."
    return (
        f"redis-benchmark set {like}, by {usable_cores()} clients in pipelines of {MOST_BUCKETS}: "
        f"as many as {per_second:,.0f} entities a second."
    )


def _row(name: str, run: WatchedRun, per_second: float | None) -> str:
    entities, written, seconds = run.row.rows or 0, run.row.written or 0, _publish_seconds(run)
    if not written:
        return f"| {name} | {entities:,} | 0 | {seconds:.1f} | | |"
    rate = entities / seconds
    share = "" if per_second is None else f"**{rate / per_second:.2f}**"
    return f"| {name} | {entities:,} | {written:,} | {seconds:.1f} | {rate:,.0f} | {share} |"
