"""Which revisions are let go: the old ones that nobody needs."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final

import msgspec

from jobs.extract.facts import DATASET as EVENTS
from jobs.snapshot.facts import DATASET as SNAPSHOTS
from jobs.store.pins import Pins
from jobs.training_set.facts import DATASET as TRAINING_SETS
from stores.offline.revisions import TaggedRevision

Revisions = Sequence[TaggedRevision]


def expired(revisions: Revisions, pins: Pins, before: datetime) -> list[TaggedRevision]:
    """Which revisions of one table were let go by `before` and may go.

    A table of another kind than Ontem's keeps all.
    """
    if not revisions:
        return []
    choose = _BY_DATASET.get(revisions[0].slot.dataset)
    return [] if choose is None else choose(revisions, pins, before)


def _of_snapshots(revisions: Revisions, pins: Pins, before: datetime) -> list[TaggedRevision]:
    """Old ones of a day; the newest of a day stays with any other, and that of the newest day.

    The table shows the newest of each day: another one would not be what it shows.
    """
    by_day: defaultdict[str, list[TaggedRevision]] = defaultdict(list)
    for each in revisions:
        by_day[each.slot.partition].append(each)
    newest_day = max(by_day)
    going = []
    for day, of_day in by_day.items():
        candidates = _old(of_day, pins, before)
        if day == newest_day or len(candidates) < len(of_day):
            newest = max(of_day, key=_number)
            candidates = [each for each in candidates if each != newest]
        going += candidates
    return going


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


_BY_DATASET: Final[Mapping[str, Callable[[Revisions, Pins, datetime], list[TaggedRevision]]]] = (
    MappingProxyType(
        {SNAPSHOTS: _of_snapshots, TRAINING_SETS: _of_training_sets, EVENTS: _of_events}
    )
)
