"""Writing the buckets of a load through the fence, and reading them back as a request would."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Final, cast

import redis

from stores.redis.buckets import ValueUnreadable
from stores.redis.connection import loss_refused
from stores.redis.fence import Fence, run_fenced
from stores.redis.keys import Namespace
from stores.redis.load_list import Load, LoadList
from stores.redis.new_buckets import mended_bucket, new_bucket, next_bucket
from stores.redis.new_versions import NewVersions
from stores.redis.pace import Pace
from stores.redis.read_back import ReadBack
from stores.redis.ring import RingRows

Contents = Mapping[bytes, bytes]
"""The timelines of a bucket's entities, by their names."""


@dataclass(slots=True)
class WriteCounts:
    """What was written: entities with a new version, and damaged buckets that were written anew.

    `rows` is how many entities the load has in all places that were visited, and `damaged_buckets`
    how many were left as they are, because not all of their entities were known.
    """

    entities: int = 0
    mended_buckets: int = 0
    damaged_buckets: int = 0
    rows: int = 0

    def __add__(self, other: "WriteCounts") -> "WriteCounts":
        return WriteCounts(*map(sum, zip(astuple(self), astuple(other), strict=True)))


class BucketWriter:
    """Writes buckets of one load, while its run has the fence.

    `load_list` is the list before the load. A load into buckets that no listed load reads writes
    over whatever they hold. With `is_whole` the rows are all that the load has in their places;
    without, those that are new: then only their buckets are visited.
    """

    def __init__(
        self,
        client: "redis.Redis",
        namespace: Namespace,
        fence: Fence,
        *,
        load: Load,
        load_list: LoadList,
        is_whole: bool = True,
        pace: Pace | None = None,
    ) -> None:
        self._client, self._namespace, self._fence = client, namespace, fence
        self._load_id, self._buckets, self._is_whole = load.load_id, load.buckets, is_whole
        self._versions = NewVersions(load.load_id, load_list)
        self._read_back = ReadBack(load, load_list.with_load(load), is_whole=is_whole)
        self._pace = pace or Pace()
        self.into_new_buckets = all(listed.buckets != load.buckets for listed in load_list.loads)
        self.counts = WriteCounts()

    def write(self, pieces: Iterable[RingRows]) -> WriteCounts:
        """Write the buckets of all pieces, and compare what a request would read of each.

        When this returns, Redis has confirmed every write. Repeated, it writes the same bytes.
        Raises LoadFenced, RedisLost, ReadBackDiffers.
        """
        for piece in pieces:
            if not (self._is_whole or len(piece.keys)):
                continue
            contents = piece.contents(self._buckets)
            self.counts.rows += len(piece.keys)
            visited = [
                (piece.first + position, timelines)
                for position, timelines in enumerate(contents)
                if timelines or self._is_whole
            ]
            for work in (self._write_batch, self._check_batch):
                for group, numbers, timelines in self._batches(visited):
                    keys = self._namespace.bucket_keys(self._buckets, group, numbers)
                    with self._pace.call():
                        work(group, keys, timelines)
        return self.counts

    def _batches(
        self, visited: Sequence[tuple[int, Contents]]
    ) -> Iterator[tuple[int, list[int], list[Contents]]]:
        """Group, numbers and timelines of so many buckets as one call takes, all of one group."""
        start = 0
        while start < len(visited):
            group = visited[start][0] // self._buckets
            batch = [
                (place % self._buckets, timelines)
                for place, timelines in visited[start : start + self._pace.buckets]
                if place // self._buckets == group
            ]
            start += len(batch)
            yield group, [number for number, _ in batch], [timelines for _, timelines in batch]

    def _write_batch(self, group: int, keys: Sequence[bytes], contents: Sequence[Contents]) -> None:
        changed = list(self._changed(keys, contents))
        if changed:
            new_keys, new_contents = zip(*changed, strict=True)
            run_fenced(
                self._client,
                self._fence,
                _WRITE_BUCKETS,
                [self._namespace.fence_key(group), *new_keys],
                [self._fence.token, *new_contents],
            )

    def _changed(
        self, keys: Sequence[bytes], contents: Sequence[Contents]
    ) -> Iterator[tuple[bytes, bytes]]:
        """The buckets to write, with their new bytes."""
        load_id, counts = self._load_id, self.counts
        if self.into_new_buckets:
            for key, timelines in zip(keys, contents, strict=True):
                counts.entities += len(timelines)
                yield key, new_bucket(key, load_id, timelines)
            return
        for key, before, timelines in zip(keys, self._read(keys), contents, strict=True):
            try:
                if before is None:
                    raise ValueUnreadable("the bucket is not there")
                content, entities = next_bucket(before, key, timelines, self._versions)
            except ValueUnreadable:
                if not self._is_whole:
                    counts.damaged_buckets += 1
                    continue
                content, entities = mended_bucket(key, load_id, timelines), len(timelines)
                counts.mended_buckets += 1
            if content != before:
                counts.entities += entities
                yield key, content

    def _check_batch(self, group: int, keys: Sequence[bytes], contents: Sequence[Contents]) -> None:
        if not self.counts.damaged_buckets:
            self._read_back.check(group, keys, self._read(keys), contents)

    def _read(self, keys: Sequence[bytes]) -> Sequence[bytes | None]:
        with loss_refused():
            return cast(Sequence[bytes | None], self._client.mget(keys))


_WRITE_BUCKETS: Final = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return redis.error_reply('FENCED') end
for i = 2, #KEYS do redis.call('SET', KEYS[i], ARGV[i]) end
return #KEYS - 1
"""
