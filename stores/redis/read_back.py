"""Reading back what was written for a load, before requests may see it.

The buckets are read as Redis has them, counted by what the list will say once it has the load, and
a sample is read by the code of a request.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from stores.redis.buckets import (
    ENTRY_HEAD,
    ValueUnreadable,
    position_of,
    read_timeline,
    unpack,
)
from stores.redis.errors import ReadBackDiffers
from stores.redis.load_list import Load, LoadList
from stores.redis.new_versions import NewVersions

ONE_IN: Final = 16
"""Of so many buckets one entity is read as a request reads it."""


class ReadBack:
    """Compares buckets with the rows of a load.

    `load_list` is the list that has the load. With `is_whole` the rows are all that the load has in
    a bucket; without, a bucket has others beside them, which are not counted.
    """

    def __init__(self, load: Load, load_list: LoadList, *, is_whole: bool) -> None:
        self._load, self._load_list, self._is_whole = load, load_list, is_whole
        self._versions = NewVersions(load.load_id + 1, load_list)

    def check(
        self,
        group: int,
        keys: Sequence[bytes],
        found: Sequence[bytes | None],
        expected: Sequence[Mapping[bytes, bytes]],
    ) -> None:
        """Raises ReadBackDiffers unless a request would read what is expected of these buckets."""
        for number, (key, content, timelines) in enumerate(zip(keys, found, expected, strict=True)):
            try:
                if content is None:
                    raise ValueUnreadable("the bucket is not there")
                if (count := self._count(content, key, timelines)) != len(timelines):
                    raise ValueUnreadable(f"{count} entities instead of {len(timelines)}")
                if timelines and number % ONE_IN == 0:
                    self._check_sample(content, key, timelines)
            except ValueUnreadable as error:
                raise ReadBackDiffers(
                    load_id=self._load.load_id, group=group, reason=f"{error}"
                ) from None

    def _count(self, content: bytes, key: bytes, timelines: Mapping[bytes, bytes]) -> int:
        """How many entities of a bucket a request would find."""
        _, names, entries = unpack(content, key)
        if not self._is_whole:
            positions = [position_of(names, name) for name in timelines]
            entries = [entries[position] for position in positions if position >= 0]
        heads = self._versions.visible_heads
        return sum(
            entry[:ENTRY_HEAD] in heads or self._versions.is_found(entry) for entry in entries
        )

    def _check_sample(self, content: bytes, key: bytes, timelines: Mapping[bytes, bytes]) -> None:
        # A checksum's first byte is as good as a random number, and the same when it is repeated.
        name, timeline = list(timelines.items())[content[0] % len(timelines)]
        found = read_timeline(content, key, name, self._load.load_id, self._load_list)
        if found != timeline:
            raise ValueUnreadable("an entity has another timeline than its row")
