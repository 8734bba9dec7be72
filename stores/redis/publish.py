"""Writing the online store: versions beside versions, and the list that makes a load visible.

A load's fence is a key in Redis that names it and the run that writes it. Every write is refused
once another run has taken the fence, so a loader that was paused and wakes later changes nothing.
"""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, cast

import redis

from stores.redis.errors import (
    LoadFenced,
    LoadTooOld,
    NothingPublished,
    RedisFull,
    RedisLost,
    RedisMayEvict,
    ValueDamaged,
)
from stores.redis.keys import fence_key, list_key, value_key
from stores.redis.values import Load, VersionUnreadable, append_version, decode_list, encode_list

BATCH: Final = 2000
KEY_OVERHEAD_BYTES: Final = 170
"""What Redis needs for a key of its own, measured, beside the timeline."""

_TAKE_FENCE: Final = """
local held = redis.call('GET', KEYS[1])
if held and string.sub(held, 1, 20) > string.sub(ARGV[1], 1, 20) then return held end
redis.call('SET', KEYS[1], ARGV[1])
return false
"""
_WRITE: Final = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return redis.error_reply('FENCED') end
for i = 2, #KEYS do redis.call('SET', KEYS[i], ARGV[i]) end
return #KEYS - 1
"""
_SET_LIST: Final = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return redis.error_reply('FENCED') end
if (redis.call('GET', KEYS[2]) or '') ~= ARGV[2] then return redis.error_reply('FENCED') end
redis.call('SET', KEYS[2], ARGV[3])
return 1
"""


@dataclass(frozen=True, slots=True)
class Fence:
    """The right of one run to write for one load."""

    load_id: int
    run: str

    @classmethod
    def fresh(cls, load_id: int) -> "Fence":
        """A fence that no other run has."""
        return cls(load_id, uuid.uuid4().hex)

    @property
    def token(self) -> bytes:
        """Its bytes; the id comes first, so that they compare as the ids do."""
        return f"{self.load_id:020d}:{self.run}".encode()


@dataclass(frozen=True, slots=True)
class Published:
    """The list as it is in Redis, oldest first, and its very bytes."""

    content: bytes
    loads: tuple[Load, ...]

    @property
    def newest(self) -> Load | None:
        """The newest load, None when there is none."""
        return self.loads[-1] if self.loads else None

    @property
    def ids(self) -> frozenset[int]:
        """The ids of all its loads."""
        return frozenset(load.load_id for load in self.loads)


def read_published(client: "redis.Redis", timelines: str) -> Published:
    """What is visible now; raises VersionUnreadable when the list is damaged."""
    content = cast(bytes | None, client.get(list_key(timelines))) or b""
    return Published(content, decode_list(content) if content else ())


def check_order(load: Load, before: Published) -> None:
    """Raises LoadTooOld unless `load` is newer than all that are published, by id and by day."""
    newest = before.newest
    if newest and (load.load_id <= newest.load_id or load.as_of <= newest.as_of):
        raise LoadTooOld(load=load, newest=newest)


def check_room(client: "redis.Redis", address: str, needed: int) -> None:
    """Raises RedisMayEvict or RedisFull; asks INFO alone, which managed Redis allows, too."""
    info: dict[str, Any] = client.info("memory")
    policy = str(info.get("maxmemory_policy", "unknown"))
    if policy != "noeviction":
        raise RedisMayEvict(address=address, policy=policy)
    limit, used = int(info.get("maxmemory", 0)), int(info["used_memory"])
    if limit and used + needed > limit:
        raise RedisFull(address=address, needed=needed, free=max(limit - used, 0))


def bytes_needed(load: Load, timelines_bytes: int, before: Published) -> int:
    """About how much memory `load` adds: new entities' keys, and every timeline once more."""
    known = before.newest.entities if before.newest else 0
    return max(load.entities - known, 0) * KEY_OVERHEAD_BYTES + timelines_bytes


def take_fence(client: "redis.Redis", timelines: str, fence: Fence) -> None:
    """Let only this run write from now on; raises LoadFenced when a newer load holds the fence."""
    if client.eval(_TAKE_FENCE, 1, fence_key(timelines), fence.token):
        raise LoadFenced(load_id=fence.load_id)


def write_versions(
    client: "redis.Redis",
    timelines: str,
    fence: Fence,
    entities: Iterable[tuple[bytes, bytes]],
    listed: frozenset[int],
) -> int:
    """Put a version of each (entity key, timeline) beside those there are; how many were written.

    An entity whose newest visible version says the same is left alone. When this returns, Redis
    has confirmed every write. Raises LoadFenced.
    """
    written = 0
    rest = iter(entities)
    while batch := list(islice(rest, BATCH)):
        keys = [value_key(timelines, entity) for entity, _ in batch]
        with _told():
            old = cast(Sequence[bytes | None], client.mget(keys))
        changed = []
        for key, value, (entity, timeline) in zip(keys, old, batch, strict=True):
            try:
                content = append_version(value, entity, fence.load_id, timeline, listed)
            except VersionUnreadable as error:
                raise ValueDamaged(key=key, reason=str(error)) from None
            if content is not None:
                changed.append((key, content))
        if changed:
            _write(client, timelines, fence, changed)
        written += len(changed)
    return written


def set_list(
    client: "redis.Redis", timelines: str, fence: Fence, before: Published, after: Iterable[Load]
) -> None:
    """Replace the list at once, if it still is `before` and the fence is still ours.

    Raises LoadFenced, and the list is as it was.
    """
    _fenced(
        client,
        fence,
        _SET_LIST,
        [fence_key(timelines), list_key(timelines)],
        [fence.token, before.content, encode_list(after)],
    )


def withdraw_newest(client: "redis.Redis", timelines: str, before: Published) -> Load:
    """Take the newest load off the list; it is invisible when this returns.

    A loader that is paused loses its fence. Raises NothingPublished, LoadFenced.
    """
    newest = before.newest
    if newest is None:
        raise NothingPublished(timelines=timelines)
    held = cast(bytes | None, client.get(fence_key(timelines))) or b"0"
    fence = Fence.fresh(max(newest.load_id, int(held.split(b":")[0])))
    take_fence(client, timelines, fence)
    set_list(client, timelines, fence, before, before.loads[:-1])
    return newest


def _write(
    client: "redis.Redis", timelines: str, fence: Fence, changed: Sequence[tuple[bytes, bytes]]
) -> None:
    keys = [fence_key(timelines), *(key for key, _ in changed)]
    _fenced(client, fence, _WRITE, keys, [fence.token, *(content for _, content in changed)])


def _fenced(
    client: "redis.Redis", fence: Fence, script: str, keys: list[bytes], values: list[bytes]
) -> None:
    with _told():
        try:
            client.eval(script, len(keys), *keys, *values)
        except redis.ResponseError as error:
            if "FENCED" not in str(error):
                raise
            raise LoadFenced(load_id=fence.load_id) from None


@contextmanager
def _told() -> Iterator[None]:
    """Say what became of a write that Redis did not confirm."""
    try:
        yield
    except (redis.RedisError, OSError) as error:
        raise RedisLost(reason=str(error).splitlines()[0] if str(error) else "no answer") from None
