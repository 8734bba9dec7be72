"""An entry that is cut and put together is the one that would be made of all its versions anew."""

from hypothesis import example, given
from hypothesis import strategies as st

from stores.redis.buckets import DROPPED, ID_BYTES, LENGTH_BYTES, NO_ENTRY, Version, versions_of
from stores.redis.load_list import MOST_LISTED, Load, LoadList
from stores.redis.new_entries import next_entry
from stores.redis.new_versions import NewVersions

LOAD_IDS = range(1, 8)
NEW_ID = 8
TIMELINES = st.sampled_from([b"", b"a", b"ab", b"abc", b"b", b"a timeline of some more bytes"])


def entry_of(versions: list[Version], *, dropped: bool) -> bytes:
    """Written down as the docstring of `buckets` says."""
    if not (versions or dropped):
        return NO_ENTRY
    content = bytes([len(versions) + DROPPED * dropped])
    content += b"".join(load_id.to_bytes(ID_BYTES) for load_id, _ in versions)
    content += b"".join(len(timeline).to_bytes(LENGTH_BYTES) for _, timeline in versions[:-1])
    return content + b"".join(timeline for _, timeline in versions)


def after_load(
    versions: list[Version], timeline: bytes | None, load_list: LoadList
) -> tuple[list[Version], bool]:
    """What stays of an entity's versions, newest first, and whether one is dropped now."""
    visible = [version for version in versions if load_list.is_visible(version[0])]
    is_new = timeline is not None and (not visible or visible[0][1] != timeline)
    every = [(NEW_ID, timeline or b"")] * is_new + visible
    readers = [NEW_ID, *sorted(load_list.ids)[1 - MOST_LISTED :]]
    read = {next((each for each in every if each[0] <= reader), None) for reader in readers}
    kept = every if len(every) == 1 else [each for each in every if each in read]
    return kept, len(kept) < len(every)


@given(
    versions=st.dictionaries(st.sampled_from(LOAD_IDS), TIMELINES, max_size=4),
    dropped=st.booleans(),
    timeline=st.none() | TIMELINES,
    listed=st.sets(st.sampled_from(LOAD_IDS), max_size=MOST_LISTED),
)
@example(versions={1: b"abc", 2: b"ab", 3: b"a"}, dropped=False, timeline=b"b", listed={1, 2, 3})
@example(versions={1: b"abc", 2: b"ab", 3: b"a"}, dropped=False, timeline=b"abc", listed={1, 3})
@example(versions={1: b"abc", 2: b"ab"}, dropped=False, timeline=b"a", listed={1, 2})
@example(versions={}, dropped=True, timeline=None, listed=set())
def test_an_entry_after_a_load_has_the_versions_that_loads_read(
    *, versions: dict[int, bytes], dropped: bool, timeline: bytes | None, listed: set[int]
) -> None:
    load_list = LoadList(0, tuple(Load(n, n, n, 1, "sum", 4) for n in sorted(listed)))
    before = sorted(versions.items(), reverse=True)
    entry = entry_of(before, dropped=dropped)

    after, is_new, had_only_visible = next_entry(entry, timeline, NewVersions(NEW_ID, load_list))

    kept, drops = after_load(before, timeline, load_list)
    assert after == entry_of(kept, dropped=dropped or drops)
    assert versions_of(after) == (dropped or drops, kept)
    assert is_new == ((NEW_ID, timeline) in kept)
    assert had_only_visible == all(load_list.is_visible(each) for each in versions)
