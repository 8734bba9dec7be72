"""The buckets of a load: the first of their kind, or those before it with its versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from stores.redis.buckets import (
    DROPPED,
    ENTRY_HEAD,
    ID_BYTES,
    NO_ENTRY,
    ValueUnreadable,
    entry_of,
    is_unfinished,
    pack,
    split_names,
    unpack,
    versions_of,
)
from stores.redis.load_list import MOST_LISTED, LoadList


def new_bucket(bucket_key: bytes, load_id: int, timelines: Mapping[bytes, bytes]) -> bytes:
    """A bucket that no listed load reads yet, with the timelines of the first one."""
    return _first(bucket_key, 0, load_id, timelines)


def mended_bucket(bucket_key: bytes, load_id: int, timelines: Mapping[bytes, bytes]) -> bytes:
    """The bucket in place of one that is damaged or not there: earlier loads find it missing."""
    return _first(bucket_key, load_id, load_id, timelines)


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
        self._plans: dict[bytes, _Plan] = {}
        self.visible_heads: set[bytes] = set()
        """The heads that were seen so far of entries whose only version is visible."""

    def is_visible(self, version_id: int) -> bool:
        """Whether that version is of a published load before this one."""
        return version_id < self.load_id and self.load_list.is_visible(version_id)

    def plan(self, head: bytes) -> _Plan:
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
        return self.plan(_whole_head(entry)).newest >= 0

    def _make_plan(self, head: bytes) -> _Plan:
        ids = [int.from_bytes(head[at : at + ID_BYTES]) for at in range(1, len(head), ID_BYTES)]
        visible = [version_id for version_id in ids if self.is_visible(version_id)]
        same = _needed_by(visible, self.reading_load_ids)
        new = _needed_by([self.load_id, *visible], self.reading_load_ids)[1:]
        return _Plan(
            newest=ids.index(visible[0]) if visible else -1,
            is_clean=len(visible) == len(ids),
            kept_if_same=tuple(map(ids.index, same)),
            kept_if_new=tuple(map(ids.index, new)),
            drops_if_same=len(same) < len(visible),
            drops_if_new=len(new) < len(visible),
        )


class _Plan(NamedTuple):
    """What becomes of an entry's versions, whose positions these are.

    `newest` is the newest visible one, -1 if there is none. Kept are those that a listed load
    reads, and it is noted if one that was visible is not among them.
    """

    newest: int
    is_clean: bool
    kept_if_same: tuple[int, ...]
    kept_if_new: tuple[int, ...]
    drops_if_same: bool
    drops_if_new: bool


def next_bucket(
    content: bytes, bucket_key: bytes, timelines: Mapping[bytes, bytes], load: NewVersions
) -> tuple[bytes, int]:
    """The bucket with the timelines of a load, by name, and how many of them are new in it.

    An entity whose newest visible version has the same timeline keeps its versions. If that is so
    of all, and nothing in the bucket is invisible, its bytes stay as they are. Otherwise versions
    that no listed load can read are dropped.

    Raises:
        ValueUnreadable: the bucket is damaged, or was, and the load that mended it is not listed.
    """
    mended_by, names, entries = unpack(content, bucket_key)
    if is_unfinished(mended_by, load.load_list):
        raise ValueUnreadable("the load that mended the bucket is not listed")
    ours: Sequence[bytes | None] = list(timelines.values())
    if names != b"".join(timelines):
        old = dict(zip(split_names(names), entries, strict=True))
        every = sorted(old.keys() | timelines.keys())
        names, entries = b"".join(every), [old.get(name, NO_ENTRY) for name in every]
        ours = [timelines.get(name) for name in every]
    heads = load.visible_heads
    others = [
        position
        for position, (entry, timeline) in enumerate(zip(entries, ours, strict=True))
        if (timeline is not None and entry[ENTRY_HEAD:] != timeline)
        or entry[:ENTRY_HEAD] not in heads
    ]  # by far the most entries have one version that may be read, and it is not new
    written, is_clean = 0, True
    for position in others:
        entries[position], is_new, had_only_visible = _next_entry(
            entries[position], ours[position], load
        )
        written += is_new
        is_clean &= had_only_visible
    if is_clean and not written:
        return content, 0
    packed = pack(bucket_key, mended_by, names, entries)
    return packed, written if packed != content else 0


def _next_entry(
    entry: bytes, timeline: bytes | None, load: NewVersions
) -> tuple[bytes, bool, bool]:
    """The entry after a load, whether it has a new version, and whether all it had was visible.

    `NO_ENTRY` stands for none, before and after.
    """
    plan = load.plan(_whole_head(entry))
    dropped, versions = versions_of(entry)
    if timeline is None or (plan.newest >= 0 and versions[plan.newest][1] == timeline):
        if len(plan.kept_if_same) == len(versions):
            return entry, False, plan.is_clean
        kept, drops = [versions[position] for position in plan.kept_if_same], plan.drops_if_same
        is_new = False
    else:
        kept = [(load.load_id, timeline), *(versions[position] for position in plan.kept_if_new)]
        is_new, drops = True, plan.drops_if_new
    if not (kept or dropped or drops):
        return NO_ENTRY, is_new, plan.is_clean
    return entry_of(kept, dropped=dropped or drops), is_new, plan.is_clean


def _whole_head(entry: bytes) -> bytes:
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


def _first(
    bucket_key: bytes, mended_by: int, load_id: int, timelines: Mapping[bytes, bytes]
) -> bytes:
    """A bucket whose entries have the one version of this load."""
    head, names = _head(load_id), sorted(timelines)
    entries = [head + timelines[name] for name in names]
    return pack(bucket_key, mended_by, b"".join(names), entries)


def _head(load_id: int) -> bytes:
    """What an entry begins with whose only version is that of this load."""
    return b"\1" + load_id.to_bytes(ID_BYTES)
