"""Which revisions are let go: the old ones that nobody needs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final

import msgspec

from jobs.extract.facts import DATASET as EVENTS
from jobs.snapshot.facts import DATASET as SNAPSHOTS
from jobs.store.parents import with_parents
from jobs.store.pins import Pins
from jobs.training_set.facts import DATASET as TRAINING_SETS
from stores.offline.revisions import TaggedRevision

Revisions = Sequence[TaggedRevision]


def expired(
    revisions: Revisions, pins: Pins, before: datetime, parents: Mapping[int, int]
) -> list[TaggedRevision]:
    """Which revisions of one table were let go by `before` and may go.

    `parents` has the Iceberg snapshot that each delta's stands on. A table of another kind, such as
    that of trials, keeps all that no compaction has.
    """
    if not revisions:
        return []
    dataset = revisions[0].slot.dataset
    if dataset == SNAPSHOTS:
        return _of_snapshots(revisions, pins, before, parents)
    return _BY_DATASET.get(dataset, _of_added_rows)(revisions, pins, before)


def _of_snapshots(
    revisions: Revisions, pins: Pins, before: datetime, parents: Mapping[int, int]
) -> list[TaggedRevision]:
    """Old ones of a day; the newest of a day stays with any other, and that of the newest day.

    The table shows the newest of each day: another one would not be what it shows. And whatever one
    that stays stands on stays as well.
    """
    newest = {each.slot.partition: each for each in sorted(revisions, key=_number)}
    going = {each.snapshot_id for each in _old(revisions, pins, before)}
    going.discard(newest[max(newest)].snapshot_id)
    while True:
        staying = [each for each in revisions if each.snapshot_id not in going]
        needed = with_parents(parents, {each.snapshot_id for each in staying})
        needed |= {newest[each.slot.partition].snapshot_id for each in staying}
        if going.isdisjoint(needed):
            return [each for each in revisions if each.snapshot_id in going]
        going -= needed


def _of_training_sets(revisions: Revisions, pins: Pins, before: datetime) -> list[TaggedRevision]:
    """All old ones but the newest."""
    newest = max(revisions, key=_number)
    return [each for each in _old(revisions, pins, before) if each != newest]


def _of_events(revisions: Revisions, pins: Pins, before: datetime) -> list[TaggedRevision]:
    """All before a full extraction that is old by now: until then a job may still read them."""
    ordered = sorted(revisions, key=_number)
    full = [each.number for each in ordered if _is_full(each) and each.committed_at < before]
    newest = max(full, default=0)
    return [each for each in ordered if each.number < newest and not pins.holds(each)]


def _of_added_rows(revisions: Revisions, pins: Pins, before: datetime) -> list[TaggedRevision]:
    """All before a compaction that is old by now; without one each has rows of its own."""
    ordered = sorted(revisions, key=_number)
    compacted = [each.number for each in ordered if _compacts(each) and each.committed_at < before]
    newest = max(compacted, default=0)
    return [each for each in ordered if each.number < newest and not pins.holds(each)]


def _old(revisions: Revisions, pins: Pins, before: datetime) -> list[TaggedRevision]:
    return [each for each in revisions if each.committed_at < before and not pins.holds(each)]


def _number(revision: TaggedRevision) -> int:
    return revision.number


@dataclass(frozen=True, slots=True)
class _From:
    from_key: int | None


def _is_full(revision: TaggedRevision) -> bool:
    """Whether an extraction reads everything; one that does not say so does not."""
    try:
        return msgspec.json.decode(revision.facts, type=_From).from_key is None
    except msgspec.DecodeError:
        return False


@dataclass(frozen=True, slots=True)
class _Compaction:
    compacts: bool = False


def _compacts(revision: TaggedRevision) -> bool:
    """Whether a revision has all rows of those before it."""
    try:
        return msgspec.json.decode(revision.facts, type=_Compaction).compacts
    except msgspec.DecodeError:
        return False


_BY_DATASET: Final[Mapping[str, Callable[[Revisions, Pins, datetime], list[TaggedRevision]]]] = (
    MappingProxyType({TRAINING_SETS: _of_training_sets, EVENTS: _of_events})
)
