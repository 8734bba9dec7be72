"""Which Iceberg snapshots of a table others stand on: a delta is of no use without them."""

from collections.abc import Collection, Mapping

from pyiceberg.table import Table

from jobs.snapshot.facts import parent_in
from stores.offline.revisions import facts_of


def parents_of(table: Table) -> dict[int, int]:
    """The id of each delta's Iceberg snapshot, with that of its parent's."""
    found = {}
    for snapshot in table.metadata.snapshots:
        parent = parent_in(facts_of(snapshot))
        if parent is not None:
            found[snapshot.snapshot_id] = parent.snapshot_id
    return found


def with_parents(parents: Mapping[int, int], ids: Collection[int]) -> set[int]:
    """These ids, and those of all that they stand on."""
    found = {*ids}
    going = {*ids}
    while going := {parents[each] for each in going if each in parents} - found:
        found |= going
    return found
