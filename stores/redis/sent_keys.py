"""The keys of one MGET, and which value of its answer is whose."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SentKeys:
    """What was sent: the lists of some groups, then the keys' buckets in each of the layouts.

    A layout is named by how many buckets a group has in it.
    """

    keys: tuple[bytes, ...]
    groups: tuple[int, ...]
    buckets: Mapping[int, Sequence[bytes]]
    """By layout, the key of each bucket."""

    @property
    def length(self) -> int:
        """How many values the answer has."""
        return len(self.groups) + len(self.buckets) * len(self.keys)

    def lists(self, answer: Sequence[bytes | None]) -> Sequence[bytes | None]:
        """The copy of each group's list."""
        return answer[: len(self.groups)]

    def contents(self, answer: Sequence[bytes | None], layout: int) -> Sequence[bytes | None]:
        """Each key's bucket, of those of this layout."""
        start = len(self.groups) + list(self.buckets).index(layout) * len(self.keys)
        return answer[start : start + len(self.keys)]
