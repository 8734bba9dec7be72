"""Expiry: revisions and states of a table that are let go, in one commit."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, cast

from pyiceberg.exceptions import CommitFailedException
from pyiceberg.table import Table
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.refs import MAIN_BRANCH, SnapshotRef
from pyiceberg.table.update import TableRequirement, ValidatableTableRequirement
from pyiceberg.table.update.snapshot import ExpireSnapshots, ManageSnapshots

from stores.offline.revisions import TaggedRevision
from stores.offline.transaction import CachingTransaction


@dataclass(frozen=True, slots=True)
class Expiry:
    """What is let go of one state of a table.

    A partition of which no revision stays leaves the table. `snapshot_ids` are those of the
    revisions and of states in between, which no tag names.
    """

    revisions: tuple[TaggedRevision, ...] = ()
    partitions: tuple[str, ...] = ()
    snapshot_ids: frozenset[int] = frozenset()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to commit."""
        return not (self.revisions or self.snapshot_ids)


def expiry_of(
    table: Table,
    revisions: Sequence[TaggedRevision],
    expired: Collection[TaggedRevision],
    *,
    kept_ids: Collection[int],
    untagged_before: datetime,
) -> Expiry:
    """The expiry of some of the revisions of a table.

    What a ref names stays, and so do `kept_ids`. A state that no tag names goes when it was
    committed before `untagged_before`; the newest one only when another takes its place.
    """
    left = {each.slot.partition for each in revisions if each not in expired}
    partitions = {each.slot.partition for each in expired} - left - {""}
    tags = {each.slot.tag(each.number) for each in expired}
    moved = {*tags, MAIN_BRANCH} if partitions else tags
    staying = {ref.snapshot_id for name, ref in table.metadata.refs.items() if name not in moved}
    staying |= {*kept_ids}
    before_ms = untagged_before.timestamp() * 1000
    going_at_once = {each.snapshot_id for each in expired}
    if partitions:
        going_at_once |= {table.metadata.current_snapshot_id or 0}
    going = {
        each.snapshot_id
        for each in table.metadata.snapshots
        if each.snapshot_id not in staying
        and (each.snapshot_id in going_at_once or each.timestamp_ms < before_ms)
    }
    return Expiry(tuple(expired), tuple(sorted(partitions)), frozenset(going))


class _SameRefs(ValidatableTableRequirement):
    """The table has the same branches and tags. PyIceberg itself asserts one of them alone."""

    type: Literal["assert-same-refs"] = "assert-same-refs"
    refs: dict[str, SnapshotRef]

    def validate(self, base_metadata: TableMetadata | None) -> None:  # type: ignore[override]
        """Raises CommitFailedException."""
        if base_metadata is None or base_metadata.refs != self.refs:
            raise CommitFailedException("a tag or branch came or went meanwhile")


def expire(table: Table, expiry: Expiry) -> None:
    """Commit the expiry to this very state of the table. Raises CommitFailedException."""
    same = cast(TableRequirement, _SameRefs(refs=table.metadata.refs))
    with CachingTransaction(table) as transaction:
        transaction._stage((), (same,))  # else a tag made meanwhile is lost
        if expiry.partitions:
            (partition,) = table.spec().fields
            values = ", ".join(f"'{each}'" for each in expiry.partitions)
            transaction.delete(f"{partition.name} IN ({values})")
        with ManageSnapshots(transaction) as refs:
            for each in expiry.revisions:
                refs.remove_tag(each.slot.tag(each.number))
        metadata = transaction.table_metadata
        named = {ref.snapshot_id for ref in metadata.refs.values()}
        times = {s.snapshot_id: s.timestamp_ms for s in metadata.snapshots}
        going = expiry.snapshot_ids - named
        newest = max((times[each] for each in going), default=0)
        older = {each for each, at in times.items() if at <= newest} - named
        with ExpireSnapshots(transaction) as expired:
            if older == going:  # PyIceberg looks through all for each id that it is given
                expired.older_than(datetime.fromtimestamp((newest + 1) / 1000, UTC))
            else:
                expired.by_ids(sorted(going))
