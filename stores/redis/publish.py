"""Writing the online store, in three steps: take the fence, write the versions, set the list.

The fence is a key in Redis that names a load and the run that writes it. A run that has taken it
adds a version to every entity whose timeline changed. Requests see these versions only when the run
then replaces the list of published loads, at once. Redis refuses every write of a run when another
one has taken the fence, so a run that was paused and wakes later changes nothing.
"""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Final, cast

import redis

from stores.redis.errors import (
    LoadFenced,
    LoadTooOld,
    NothingPublished,
    RedisLost,
    ValueDamaged,
)
from stores.redis.keys import fence_key, list_key, value_key
from stores.redis.reader import Published
from stores.redis.values import Load, VersionUnreadable, append_version, encode_list

BATCH: Final = 2000


def check_order(load: Load, before: Published) -> None:
    """Raises LoadTooOld unless `load` is newer than all published ones, by id and by day."""
    newest = before.newest
    if newest and (load.load_id <= newest.load_id or load.as_of <= newest.as_of):
        raise LoadTooOld(load=load, newest=newest)


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
        """Its value in Redis. The id comes first with all its zeros, so tokens sort as ids do."""
        return f"{self.load_id:020d}:{self.run}".encode()


_TAKE_FENCE: Final = """
local held = redis.call('GET', KEYS[1])
if held and string.sub(held, 1, 20) > string.sub(ARGV[1], 1, 20) then return held end
redis.call('SET', KEYS[1], ARGV[1])
return false
"""


def take_fence(client: "redis.Redis", timelines: str, fence: Fence) -> None:
    """Let only this run write from now on. Raises LoadFenced when a newer load has the fence."""
    if client.eval(_TAKE_FENCE, 1, fence_key(timelines), fence.token):
        raise LoadFenced(load_id=fence.load_id)


_WRITE_VALUES: Final = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return redis.error_reply('FENCED') end
for i = 2, #KEYS do redis.call('SET', KEYS[i], ARGV[i]) end
return #KEYS - 1
"""


def write_versions(
    client: "redis.Redis",
    timelines: str,
    fence: Fence,
    entities: Iterable[tuple[bytes, bytes]],
    listed_ids: frozenset[int],
) -> int:
    """Add a version to the value of each (entity key, timeline); how many values were written.

    An entity whose newest visible version is the same timeline is left alone. When this returns,
    Redis has confirmed every write. Raises LoadFenced, ValueDamaged, RedisLost.
    """
    written = 0
    rest = iter(entities)
    while batch := list(islice(rest, BATCH)):
        keys = [value_key(timelines, entity) for entity, _ in batch]
        with _loss_refused():
            old = cast(Sequence[bytes | None], client.mget(keys))
        changed = []
        for key, value, (entity, timeline) in zip(keys, old, batch, strict=True):
            try:
                content = append_version(value, entity, fence.load_id, timeline, listed_ids)
            except VersionUnreadable as error:
                raise ValueDamaged(key=key, reason=str(error)) from None
            if content is not None:
                changed.append((key, content))
        if changed:
            _write_values(client, timelines, fence, changed)
        written += len(changed)
    return written


def _write_values(
    client: "redis.Redis", timelines: str, fence: Fence, changed: Sequence[tuple[bytes, bytes]]
) -> None:
    keys = [fence_key(timelines), *(key for key, _ in changed)]
    contents = [fence.token, *(content for _, content in changed)]
    _run_fenced(client, fence, _WRITE_VALUES, keys, contents)


_SET_LIST: Final = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return redis.error_reply('FENCED') end
if (redis.call('GET', KEYS[2]) or '') ~= ARGV[2] then return redis.error_reply('FENCED') end
redis.call('SET', KEYS[2], ARGV[3])
return 1
"""


def set_list(
    client: "redis.Redis", timelines: str, fence: Fence, before: Published, after: Iterable[Load]
) -> None:
    """Replace the list at once, if it still is `before` and the run still has the fence.

    Raises LoadFenced, and the list stays as it was.
    """
    keys = [fence_key(timelines), list_key(timelines)]
    contents = [fence.token, before.content, encode_list(after)]
    _run_fenced(client, fence, _SET_LIST, keys, contents)


def withdraw_newest(client: "redis.Redis", timelines: str, before: Published) -> Load:
    """Take the newest load off the list; it is invisible when this returns.

    A run that is paused loses its fence. Raises NothingPublished, LoadFenced.
    """
    newest = before.newest
    if newest is None:
        raise NothingPublished(timelines=timelines)
    held = cast(bytes | None, client.get(fence_key(timelines))) or b"0"
    fence = Fence.fresh(max(newest.load_id, int(held.split(b":")[0])))
    take_fence(client, timelines, fence)
    set_list(client, timelines, fence, before, before.loads[:-1])
    return newest


def _run_fenced(
    client: "redis.Redis", fence: Fence, script: str, keys: list[bytes], contents: list[bytes]
) -> None:
    """Run a script that writes only while the fence is ours. Raises LoadFenced, RedisLost."""
    with _loss_refused():
        try:
            client.eval(script, len(keys), *keys, *contents)
        except redis.ResponseError as error:
            if "FENCED" not in str(error):
                raise
            raise LoadFenced(load_id=fence.load_id) from None


@contextmanager
def _loss_refused() -> Iterator[None]:
    """Raises RedisLost for a call that Redis did not confirm."""
    try:
        yield
    except (redis.RedisError, OSError) as error:
        raise RedisLost(reason=str(error).splitlines()[0] if str(error) else "no answer") from None
