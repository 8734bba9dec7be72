"""A read at a published load is what recomputation from raw events gives, or missing; never wrong.

Each looser reading of the rules for loads and versions gives a wrong one in the same worlds.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from stores.postgres.recorded_key import recorded_key
from stores.redis.buckets import ValueUnreadable
from stores.redis.load_list import Load, LoadList
from stores.redis.new_buckets import new_bucket, next_bucket
from stores.redis.new_versions import NewVersions
from tests.parity.load_worlds import BEFORE_ALL, Loads
from tests.parity.mutants import Mistake, broken
from tests.parity.raw_events import Entity, ReadBounds, entities, opaque


class OpaqueLoads(Loads):
    """What is in a timeline does not matter to loads: worlds of this kind are made faster."""

    def timelines_of(self, read_bounds: ReadBounds) -> dict[bytes, bytes]:
        return opaque(self.raw, read_bounds)

    def ask(self) -> None:  # type: ignore[override]
        """Nothing can be read off them."""


class IdsReturn(OpaqueLoads):
    """The id of a withdrawn or killed load is given again."""

    def new_id(self) -> int:
        return (self.newest.load_id if self.newest else 0) + 1


class NobodyAsksForTheGeneration(OpaqueLoads):
    """A night takes the server for the one whose transaction ids the first rows have."""

    def watermark(self) -> int:
        return recorded_key(1, self.raw.next_xid)


class ListForgets(OpaqueLoads):
    """Only the last loads stay listed, and no floor stands for the rest."""

    def with_load(self, load: Load, *, is_enough: bool) -> LoadList:
        return LoadList(0, (*self.load_list.loads, load)[-2:])


class NobodyLooksAtTheFence(OpaqueLoads):
    """What is new is enough, although a load that was withdrawn may have left something."""

    def shows_all(self) -> bool:
        return True


class DamagedIsDeleted(OpaqueLoads):
    """In place of a damaged bucket there is one that says nothing was ever lost."""

    def rewritten(
        self, place: bytes, load_id: int, part: dict[bytes, bytes], everything: dict[bytes, bytes]
    ) -> bytes:
        try:
            load = NewVersions(load_id, self.load_list)
            next_bucket(self.redis.get(place, b""), place, part, load)
        except ValueUnreadable:
            self.redis[place] = new_bucket(place, 0, {})
        return super().rewritten(place, load_id, everything, everything)


class OlderDayCorrected(OpaqueLoads):
    """A new load may have an older day than one that is published."""

    def may_follow(self, as_of: int) -> bool:
        return all(load.as_of != as_of for load in self.load_list.loads)


class OtherInput(OpaqueLoads):
    """A killed load is run again under its id, but as of the first day that may be."""

    def repeated(self, read_bounds: ReadBounds) -> ReadBounds:
        first = self.newest.as_of + 1 if self.newest else read_bounds.as_of - 1
        return ReadBounds(first, read_bounds.watermark)


class NewSinceLastRun(OpaqueLoads):
    """What a failed or withdrawn night had read is not new."""

    def new_since_published(self, read_bounds: ReadBounds) -> set[Entity]:
        runs = [known for known in self.extents.values() if known is not read_bounds]
        last = runs[-1] if runs else BEFORE_ALL
        return {
            entity
            for at_us, xid, order in self.raw.happened()
            if at_us < read_bounds.cutoff_us
            and xid < read_bounds.watermark
            and self.is_new(at_us, xid, last)
            for entity in entities(order)
        }


class NewByTransaction(OpaqueLoads):
    """What last night had read already is not new, though its day was not over."""

    def is_new(self, at_us: int, xid: int, last: ReadBounds) -> bool:
        return xid >= last.watermark


class NewByDay(OpaqueLoads):
    """What was imported later is not new."""

    def is_new(self, at_us: int, xid: int, last: ReadBounds) -> bool:
        return at_us >= last.cutoff_us


PUBLISHERS = (
    NobodyAsksForTheGeneration,
    IdsReturn,
    ListForgets,
    NobodyLooksAtTheFence,
    DamagedIsDeleted,
    OlderDayCorrected,
    OtherInput,
    NewSinceLastRun,
    NewByTransaction,
    NewByDay,
)
READ, NEXT = "stores.redis.buckets:read_timeline", "stores.redis.new_buckets:next_bucket"
PLAN, VISIBLE = (
    "stores.redis.new_versions:NewVersions._make_plan",
    "stores.redis.new_versions:NewVersions.is_visible",
)
MISTAKES = {
    "an invisible version is read": Mistake(
        READ, " and load_list.is_visible(version_id)", ""
    ),
    "a later load's version is read": Mistake(READ, "version_id <= load_id and ", ""),
    "a dropped version is read as never seen": Mistake(READ, "if dropped or ", "if "),
    "the oldest visible version is read": Mistake(READ, "in versions:", "in versions[::-1]:"),
    "a bucket that is not there is read as never seen": Mistake(
        READ, 'raise ValueUnreadable("the bucket is not there")', "return None"
    ),
    "what was lost with a bucket is read as never seen": Mistake(
        READ, " or load_id < mended_by", ""
    ),
    "a bucket that an unlisted load mended is whole": Mistake(
        "stores.redis.buckets:is_unfinished", "mended_by > 0 and", "False and"
    ),
    "a mended bucket forgets that something was lost": Mistake(
        "stores.redis.new_buckets:mended_bucket",
        "bucket_key, load_id, load_id",
        "bucket_key, 0, load_id",
    ),
    "a mended bucket is whole after the next write": Mistake(
        NEXT, "pack(bucket_key, mended_by", "pack(bucket_key, 0"
    ),
    "what an invisible version says is not written again": Mistake(
        VISIBLE,
        "version_id < self.load_id and self.load_list.is_visible(version_id)",
        "version_id < self.load_id",
    ),
    "dropping is not noted": Mistake(
        PLAN, "drops=was_dropped or len(new) < len(visible)", "drops=was_dropped"
    ),
    "dropping is forgotten at the next write": Mistake(
        PLAN, "was_dropped = head[:1] >= DROPPED.to_bytes()", "was_dropped = False"
    ),
    "what the load before reads is dropped unnoticed": Mistake(
        PLAN,
        "new, drops=was_dropped or len(new) < len(visible)",
        "(), drops=False",
    ),
    "a withdrawn load that had the fence is forgotten": Mistake(
        "stores.redis.published:shows_all", "set(holders) == {newest.load_id}", "bool(holders)"
    ),
    "all secrets have one list": Mistake(
        "stores.redis.keys:Namespace.prefix", "{self.key_id}:", ""
    ),
}  # fmt: skip

STEADY = settings(
    max_examples=40,
    stateful_step_count=30,
    suppress_health_check=list(HealthCheck),
)
MANY = settings(STEADY, max_examples=250, stateful_step_count=40)
SEARCHING = settings(
    STEADY,
    max_examples=5000,
    stateful_step_count=40,
    derandomize=True,
    database=None,
    phases=(Phase.generate,),
    print_blob=False,
    report_multiple_bugs=False,
)


@pytest.mark.parametrize("worlds", [Loads, OpaqueLoads], ids=["timelines", "many more"])
def test_every_read_in_random_worlds_is_right_or_missing(worlds: type[Loads]) -> None:
    run_state_machine_as_test(worlds, settings=STEADY if worlds is Loads else MANY)


@pytest.mark.slow
@pytest.mark.parametrize("publisher", PUBLISHERS, ids=lambda publisher: publisher.__name__)
def test_a_looser_publisher_gives_wrong_reads(publisher: type[Loads]) -> None:
    with pytest.raises(AssertionError, match="wrong"):
        run_state_machine_as_test(publisher, settings=SEARCHING)


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_a_looser_value_gives_wrong_reads(mistake: Mistake) -> None:
    """Or an entity of the newest load is missing, which would be wrong as well."""
    with (
        broken(mistake),
        pytest.raises((AssertionError, ValueUnreadable), match=r"wrong|was dropped"),
    ):
        run_state_machine_as_test(OpaqueLoads, settings=SEARCHING)
