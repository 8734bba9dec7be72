"""A read at a published load is what recomputation from raw events gives, or missing; never wrong.

Each looser reading of the rules for loads and versions gives a wrong one in the same worlds.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from stores.redis.values import Load
from tests.parity.load_worlds import BEFORE_ALL, Loads, OpaqueLoads
from tests.parity.mutants import Mistake, broken
from tests.parity.raw_events import Entity, ReadBounds, entities


class IdsReturn(OpaqueLoads):
    """The id of a withdrawn or killed load is given again."""

    def new_id(self) -> int:
        return (self.newest.load_id if self.newest else 0) + 1


class ListForgets(OpaqueLoads):
    """Only the last loads stay listed."""

    def with_load(self, load: Load) -> tuple[Load, ...]:
        return (*self.listed, load)[-2:]


class OlderDayCorrected(OpaqueLoads):
    """A new load may have an older day than one that is published."""

    def may_follow(self, as_of: int) -> bool:
        return all(load.as_of != as_of for load in self.listed)


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
    IdsReturn,
    ListForgets,
    OlderDayCorrected,
    OtherInput,
    NewSinceLastRun,
    NewByTransaction,
    NewByDay,
)
READ, APPEND = "stores.redis.values:read_version", "stores.redis.values:append_version"
MISTAKES = {
    "an invisible version is read": Mistake(READ, " and version_id in listed_ids", ""),
    "a later load's version is read": Mistake(READ, "version_id <= load_id and ", ""),
    "a dropped version is read as never seen": Mistake(READ, "if dropped:", "if False:"),
    "the oldest visible version is read": Mistake(READ, "in versions:", "in versions[::-1]:"),
    "what an invisible version says is not written again": Mistake(
        APPEND, "if version[0] in listed_ids and version[0] < load_id", "if version[0] < load_id"
    ),
    "dropping is not noted": Mistake(APPEND, "dropped or len(visible) >= MOST_VERSIONS", "dropped"),
    "dropping is forgotten at the next write": Mistake(APPEND, "dropped or len", "len"),
    "dropping is forgotten when nothing changed": Mistake(
        APPEND, "visible, dropped=dropped)", "visible, dropped=False)"
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
    max_examples=1000,
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


@pytest.mark.parametrize("publisher", PUBLISHERS, ids=lambda publisher: publisher.__name__)
def test_a_looser_publisher_gives_wrong_reads(publisher: type[Loads]) -> None:
    with pytest.raises(AssertionError, match="wrong"):
        run_state_machine_as_test(publisher, settings=SEARCHING)


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_a_looser_value_gives_wrong_reads(mistake: Mistake) -> None:
    with broken(mistake), pytest.raises(AssertionError, match="wrong"):
        run_state_machine_as_test(OpaqueLoads, settings=SEARCHING)
