"""The entry of an entity after a load: its bytes of before, cut and put together."""

from __future__ import annotations

from stores.redis.buckets import ID_BYTES, LENGTH_BYTES, versions_of
from stores.redis.new_versions import NewVersions, Plan, Retained, whole_head


def next_entry(entry: bytes, timeline: bytes | None, load: NewVersions) -> tuple[bytes, bool, bool]:
    """The entry after a load, whether it has a new version, and whether all it had was visible.

    `NO_ENTRY` stands for none, before and after.
    """
    plan = load.plan(whole_head(entry))
    if timeline is not None and not _has_newest(entry, timeline, plan):
        return _with_newer(entry, plan.if_new, timeline), True, plan.is_clean
    if len(plan.if_same.positions) == plan.number:
        return entry, False, plan.is_clean
    return _with_newer(entry, plan.if_same, None), False, plan.is_clean


def _has_newest(entry: bytes, timeline: bytes, plan: Plan) -> bool:
    """Whether the newest visible version of an entry has this timeline."""
    if plan.newest < 0:
        return False
    if plan.newest:
        return versions_of(entry)[1][plan.newest][1] == timeline
    start = plan.if_new.timelines_at
    if not entry.startswith(timeline, start):
        return False
    if plan.number == 1:
        return len(entry) - start == len(timeline)
    lengths_at = 1 + ID_BYTES * plan.number
    return int.from_bytes(entry[lengths_at : lengths_at + LENGTH_BYTES]) == len(timeline)


def _with_newer(entry: bytes, retained: Retained, timeline: bytes | None) -> bytes:
    """The entry with what is left of its versions, after one with this timeline, if it is given.

    In an entry all ids, all lengths and all timelines lie together. So what is left of its first
    versions is a piece of its lengths and a piece of its timelines, taken over as they are:

        [3 | id c, b, a | length of c, b | c, b, a]  ->  [3 | id d, c, b | length of d, c | d, c, b]
    """
    if not retained.is_leading:
        return _with_some(entry, retained, timeline)
    start = retained.timelines_at
    if retained.added_lengths is None:
        end = len(entry)
    else:
        end = start
        for each in retained.added_lengths:
            end += int.from_bytes(entry[each])
    if timeline is None:
        return retained.head + entry[retained.lengths] + entry[start:end]
    if not retained.positions:
        return retained.head + timeline
    length = len(timeline).to_bytes(LENGTH_BYTES)
    return b"".join((retained.head, length, entry[retained.lengths], timeline, entry[start:end]))


def _with_some(entry: bytes, retained: Retained, timeline: bytes | None) -> bytes:
    """The same where a version is kept that comes after one that is not."""
    _, versions = versions_of(entry)
    timelines = [versions[position][1] for position in retained.positions]
    if timeline is not None:
        timelines.insert(0, timeline)
    lengths = [len(each).to_bytes(LENGTH_BYTES) for each in timelines[:-1]]
    return b"".join((retained.head, *lengths, *timelines))
