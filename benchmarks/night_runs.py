"""The nights of a world one after the other, each once per process, for all who look at them."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cache

import redis

from benchmarks.new_entities import NewEntities, new_entities
from benchmarks.night_world import NightWorld, night_world
from benchmarks.size import is_rehearsal
from benchmarks.warm_stack import ImportedStack
from benchmarks.watched import WatchedRun, watched
from stores.postgres.connection import connect
from stores.settings import Settings

FULL = "--full"


@dataclass(frozen=True)
class NightRuns:
    """The runs of a world's nights, and which entities had new events before two of them.

    The first night writes everything into an empty Redis, whose bytes were measured before and
    after. `more` is built of all events.
    """

    world: NightWorld
    first: WatchedRun
    redis_bytes: int
    few: WatchedRun
    few_new: NewEntities
    quiet: WatchedRun
    more: WatchedRun
    more_new: NewEntities

    @property
    def entities(self) -> int:
        """How many entities the first night has."""
        return self.first.row.rows or 0


@cache
def night_runs(orders: int, days: int) -> NightRuns:
    """The first night, one with 1 % new orders, one without an event, and a full one.

    A rehearsal has the second one in the place of the last.
    Raises AssertionError where another number of entities was written than PostgreSQL counts.
    """
    world = first_night(orders, days)
    few, few_new = next_night(world, "few")
    quiet = night(world, world.quiet_day)
    assert not quiet.row.written, f"nothing is new, and {quiet.row.written} entities were written"
    more, more_new = (few, few_new) if is_rehearsal() else next_night(world, "more", FULL)
    first, redis_bytes = _first_runs[world.orders]
    return NightRuns(world, first, redis_bytes, few, few_new, quiet, more, more_new)


_first_runs: dict[int, tuple[WatchedRun, int]] = {}


def forget_runs(worlds: Iterable[NightWorld]) -> None:
    """Remove these worlds, so that whoever looks at their nights next runs them anew."""
    for world in worlds:
        world.remove()
    for remembered in (night_runs, first_night, night_world):
        remembered.cache_clear()


@cache
def first_night(orders: int, days: int) -> NightWorld:
    """The world after its first night."""
    world = night_world(orders, days)
    with redis.Redis.from_url(redis_url(world.stack)) as client:
        before = used_memory(client)
        run = night(world, world.first_day)
        _first_runs[orders] = run, used_memory(client) - before
    return world


def first_run(world: NightWorld) -> WatchedRun:
    """The first night of a world that had it."""
    return _first_runs[world.orders][0]


def next_night(world: NightWorld, name: str, *words: str) -> tuple[WatchedRun, NewEntities]:
    """Import what some days bring, `few` or `more`, and run the night after them.

    In the days between, Redis has written its append-only file anew.
    """
    start, end = {
        "few": (world.first_day, world.few_day),
        "more": (world.quiet_day, world.more_day),
    }[name]
    world.bring(name)
    with redis.Redis.from_url(redis_url(world.stack)) as client:
        rewrite_file(client)
    run = night(world, end, *words)
    url = Settings.from_environ(world.stack.environ).postgres_url
    with connect(url, application_name="bench", autocommit=True) as connection:
        new = new_entities(connection, world.cutoffs[start], world.cutoffs[end])
    if not new.agree(run.row.written or 0):
        raise AssertionError(f"{run.row.written} entities were written, and {new} are new")
    return run, new


def night(world: NightWorld, day: date, *words: str) -> WatchedRun:
    """One night."""
    return watched(world.stack, "night", *words, "--as-of", day.isoformat())


def rewrite_file(client: "redis.Redis") -> None:
    """Have Redis write its append-only file anew, and wait for it.

    It does so whenever the file has doubled, for as long as a whole night with few new orders
    takes, so that one night in some would share a processor with that.
    """
    client.bgrewriteaof()
    while _rewrites(client):
        time.sleep(0.1)


def _rewrites(client: "redis.Redis") -> bool:
    told = client.info("persistence")
    return bool(told["aof_rewrite_scheduled"] or told["aof_rewrite_in_progress"])


def redis_url(stack: ImportedStack) -> str:
    """Where the stack's Redis is."""
    return stack.environ["ONTEM_REDIS_URL"]


def used_memory(client: "redis.Redis") -> int:
    """The bytes that Redis has allocated."""
    return int(client.info("memory")["used_memory"])
