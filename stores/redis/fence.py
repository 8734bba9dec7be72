"""The fence: which run may write the online store.

It is a key in Redis, with a copy in every group, that names a load and the run that writes it.
Redis refuses every write of a run whose fence was taken by another one
(docs/adr/0008-publishing.md).
"""

import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, cast

import redis

from stores.redis.cluster import group_sets, read_each
from stores.redis.connection import loss_refused
from stores.redis.errors import LoadFenced
from stores.redis.keys import GROUPS, Namespace


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


_TOKEN: Final = re.compile(rb"(\d{20}):")

TEXT_AT: Final = """
local function text_at(key)
  local value = redis.pcall('GET', key)
  return type(value) == 'string' and value or ''
end
"""
"""What is under a key, empty if nothing is or a thing of another type: SET replaces that, too."""

_HELD: Final = (
    TEXT_AT
    + """
local function held(key)
  local token = text_at(key)
  if string.match(token, '^%d+:') == string.sub(token, 1, 21) then
    return string.sub(token, 1, 20)
  end
  return ''
end
"""
)
"""The load id of a fence; a damaged one is held by nobody."""

_TAKE_FENCE: Final = (
    _HELD
    + """
for _, key in ipairs(KEYS) do
  if held(key) > string.sub(ARGV[1], 1, 20) then return 1 end
  if ARGV[2] ~= '' and held(key) ~= ARGV[2] then return 1 end
end
for _, key in ipairs(KEYS) do redis.call('SET', key, ARGV[1]) end
return 0
"""
)

_TAKE_OVER: Final = (
    _HELD
    + """
local highest = ARGV[1]
for _, key in ipairs(KEYS) do
  if held(key) > highest then highest = held(key) end
end
for _, key in ipairs(KEYS) do redis.call('SET', key, highest .. ':' .. ARGV[2]) end
return highest
"""
)


def take_fence(
    client: "redis.Redis", namespace: Namespace, fence: Fence, after: int | None = None
) -> None:
    """Let only this run write from now on.

    Raises LoadFenced when a newer load has the fence, or another one than `after`, if that is
    given.
    """
    before = "" if after is None else f"{after:020d}"
    for groups in group_sets(client):
        keys = fence_keys(namespace, groups)
        with loss_refused():
            is_refused = client.eval(_TAKE_FENCE, len(keys), *keys, fence.token, before.encode())
        if is_refused:
            raise LoadFenced(load_id=fence.load_id)


def fence_holders(client: "redis.Redis", namespace: Namespace) -> tuple[int | None, ...]:
    """The load that has the fence of each group; None where nobody has, or it is damaged."""
    with loss_refused():
        tokens = read_each(client, fence_keys(namespace))
    found = (_TOKEN.match(token or b"") for token in tokens)
    return tuple(int(match[1]) if match else None for match in found)


def take_over_fence(client: "redis.Redis", namespace: Namespace, load_id: int) -> Fence:
    """A fence of this load or of the newest that has one: the run that had it writes no more."""
    run, highest = uuid.uuid4().hex, load_id
    while True:
        found = [
            _take_over(client, namespace, groups, highest, run) for groups in group_sets(client)
        ]
        if max(found) == highest:
            return Fence(highest, run)
        if len(found) == 1:
            return Fence(max(found), run)
        highest = max(found)  # on a cluster a group had a newer one: all are to have the same


def _take_over(
    client: "redis.Redis", namespace: Namespace, groups: Iterable[int], load_id: int, run: str
) -> int:
    """Take the fence of these groups, for this load or the newest that has one; which it is."""
    keys = fence_keys(namespace, groups)
    with loss_refused():
        highest = client.eval(_TAKE_OVER, len(keys), *keys, f"{load_id:020d}".encode(), run)
    return int(cast(bytes, highest))


def fence_keys(namespace: Namespace, groups: Iterable[int] = range(GROUPS)) -> list[bytes]:
    """The keys of the copies of the fence in these groups."""
    return [namespace.fence_key(group) for group in groups]


def run_fenced(
    client: "redis.Redis", fence: Fence, script: str, keys: list[bytes], contents: list[bytes]
) -> None:
    """Run a script that writes only while the fence is ours. Raises LoadFenced, RedisLost."""
    with loss_refused():
        try:
            client.eval(script, len(keys), *keys, *contents)
        except redis.ResponseError as error:
            if "FENCED" not in str(error):
                raise
            raise LoadFenced(load_id=fence.load_id) from None
