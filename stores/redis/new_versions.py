"""What a load makes of the versions that entities have: which stay, beside those that it writes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from stores.redis.buckets import DROPPED, ENTRY_HEAD, ID_BYTES, LENGTH_BYTES, NO_ENTRY
from stores.redis.load_list import MOST_LISTED, LoadList


class NewVersions:
    """The versions that one load writes, and which of those before it may still be read.

    `load_list` is the list before the load.
    """

    def __init__(self, load_id: int, load_list: LoadList) -> None:
        self.load_id, self.load_list = load_id, load_list
        self.reading_load_ids = (
            load_id,
            *(load.load_id for load in load_list.loads[1 - MOST_LISTED :]),
        )
        self._plans: dict[bytes, Plan] = {}
        self.visible_heads: set[bytes] = set()
        """The heads that were seen so far of entries whose only version is visible."""

    def is_visible(self, version_id: int) -> bool:
        """Whether that version is of a published load before this one."""
        return version_id < self.load_id and self.load_list.is_visible(version_id)

    def plan(self, head: bytes) -> Plan:
        """What becomes of the versions of an entry that begins with `head`, up to its last id.

        Entries that were written by the same loads begin alike, so there are few such heads.
        """
        plan = self._plans.get(head)
        if plan is None:
            plan = self._plans[head] = self._make_plan(head)
            if len(head) == ENTRY_HEAD and head[0] == 1 and plan.newest == 0:
                self.visible_heads.add(head)
        return plan

    def is_found(self, entry: bytes) -> bool:
        """Whether an entry has a version that may be read."""
        return self.plan(whole_head(entry)).newest >= 0

    def _make_plan(self, head: bytes) -> Plan:
        ids = [int.from_bytes(head[at : at + ID_BYTES]) for at in range(1, len(head), ID_BYTES)]
        visible = [version_id for version_id in ids if self.is_visible(version_id)]
        same = _needed_by(visible, self.reading_load_ids)
        new = _needed_by([self.load_id, *visible], self.reading_load_ids)[1:]
        was_dropped = head[:1] >= DROPPED.to_bytes()
        return Plan(
            number=len(ids),
            newest=ids.index(visible[0]) if visible else -1,
            is_clean=len(visible) == len(ids),
            if_same=Retained.of(ids, same, drops=was_dropped or len(same) < len(visible)),
            if_new=Retained.of(
                ids, new, drops=was_dropped or len(new) < len(visible), newer=[self.load_id]
            ),
        )


class Plan(NamedTuple):
    """What becomes of the versions of an entry, of which there are `number`.

    `newest` is the position of the newest visible one, -1 if there is none. Kept are those that a
    listed load reads, and the head notes if one that was visible is not among them.
    """

    number: int
    newest: int
    is_clean: bool
    if_same: Retained
    if_new: Retained


class Retained(NamedTuple):
    """What is retained of entries that begin alike: the versions at these positions, behind a head.

    `is_leading` says that they are the first ones of the entry. Then the other fields say where
    their lengths are that stay, where their timelines begin, and which lengths have to be added up
    to know where these end: None if they end with the entry.
    """

    head: bytes
    positions: tuple[int, ...]
    is_leading: bool
    lengths: slice
    timelines_at: int
    added_lengths: tuple[slice, ...] | None

    @classmethod
    def of(
        cls, ids: Sequence[int], kept: Sequence[int], *, drops: bool, newer: Sequence[int] = ()
    ) -> Retained:
        """Of versions with these ids those that are kept, after newer ones."""
        after, stay = [*newer, *kept], len(kept)
        first = len(after) | (DROPPED if drops else 0)
        head = b"".join((first.to_bytes(), *(each.to_bytes(ID_BYTES) for each in after)))
        lengths_at = 1 + ID_BYTES * len(ids)
        lengths = [
            slice(at, at + LENGTH_BYTES)
            for at in range(lengths_at, lengths_at + LENGTH_BYTES * stay, LENGTH_BYTES)
        ]
        return cls(
            head=head if first else NO_ENTRY,
            positions=tuple(map(ids.index, kept)),
            is_leading=list(kept) == list(ids[:stay]),
            lengths=slice(lengths_at, lengths_at + LENGTH_BYTES * max(stay - 1, 0)),
            timelines_at=_timelines_at(len(ids)),
            added_lengths=tuple(lengths) if stay < len(ids) else None,
        )


def whole_head(entry: bytes) -> bytes:
    """What an entry begins with, up to its last id."""
    return entry[: 1 + ID_BYTES * (entry[0] & ~DROPPED)] if entry else NO_ENTRY


def _needed_by(version_ids: Sequence[int], reading_load_ids: Sequence[int]) -> list[int]:
    """Those of the versions, newest first, that one of the loads reads."""
    if len(version_ids) == 1:
        return list(version_ids)
    read_ids = {
        next((version_id for version_id in version_ids if version_id <= load_id), None)
        for load_id in reading_load_ids
    }
    return [version_id for version_id in version_ids if version_id in read_ids]


def _timelines_at(count: int) -> int:
    """Where the timelines begin in an entry of so many versions."""
    return 1 + ID_BYTES * count + LENGTH_BYTES * max(count - 1, 0)
