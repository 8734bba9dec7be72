"""What a night would add to the snapshot before, and whether it can."""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from jobs.job import Job
from jobs.snapshot.activity import Activity
from jobs.snapshot.between import Between
from jobs.snapshot.chain import Link
from jobs.snapshot.commit import SnapshotSource, commit_snapshot
from jobs.snapshot.errors import FullBuildNeeded
from jobs.snapshot.facts import Parent
from jobs.snapshot.new_events import NewEvents, find_new_events, rows_between
from jobs.snapshot.parent import must_be_merged, parent_chain
from jobs.snapshot.stores import OpenStores
from jobs.watermark import ReadBounds

MOST_NEW_SHARE: Final = 0.1
"""A build of all events is cheaper than a delta of a greater share of them, unless few are new."""
FEW_ORDERS: Final = 10_000
_MOST_THREADS: Final = 8


@dataclass(frozen=True, slots=True)
class DeltaPlan:
    """A chain to go on from, newest link first, and the events that it does not have."""

    chain: tuple[Link, ...]
    between: Between
    new: NewEvents

    @property
    def parent(self) -> Parent:
        """What the delta names as its parent."""
        return Parent(self.chain[0].name, self.chain[0].snapshot_id)

    @property
    def is_whole(self) -> bool:
        """Whether all rows of the chain are written, so that the next chain begins here."""
        return self.new.number > 0 and must_be_merged(self.chain)

    def activity_after(self, changes: Mapping[int, int], as_of: date) -> Activity:
        """The entities by their last event, after so many have another one."""
        facts = self.chain[0].facts
        return facts.activity.after(changes, facts.as_of.toordinal(), as_of.toordinal())


def plan_delta(
    job: Job, stores: OpenStores, source: SnapshotSource, listed: Collection[int]
) -> DeltaPlan:
    """What the snapshot of a source adds to the newest published one before it.

    `listed` are the ids of the loads in Redis' list. Raises FullBuildNeeded, EventsDamaged,
    EventsMissing.
    """
    chain = parent_chain(job, stores, source, listed)
    facts = chain[0].facts
    earlier = ReadBounds(facts.cutoff, facts.watermark, facts.generation)
    between = rows_between(earlier, source.read_bounds)
    threads = min(job.cores * 2, _MOST_THREADS)
    new = find_new_events(stores.offline.files, source.extracted, between, threads=threads)
    orders = source.extracted.rows.order
    if new.orders > max(MOST_NEW_SHARE * orders, FEW_ORDERS):
        reason = f"{new.orders:,} of {orders:,} orders are new"
        raise FullBuildNeeded(reason=reason)
    return DeltaPlan(chain, between, new)


def commit_quiet(job: Job, stores: OpenStores, source: SnapshotSource, plan: DeltaPlan) -> Link:
    """Commit a delta without rows: no event is new."""
    return commit_snapshot(
        job,
        stores,
        source,
        run=uuid.uuid4().hex,
        files=(),
        parent=plan.parent,
        activity=plan.activity_after({}, source.as_of),
    )
