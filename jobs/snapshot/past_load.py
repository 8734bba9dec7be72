"""A load of before: whether it is as good as a new one would be."""

from functools import partial

from features_pkg.queries import with_parameters
from jobs.snapshot.chain import UNREADABLE, Link, chain_of, files_of
from jobs.snapshot.errors import SnapshotLost
from jobs.snapshot.facts import SnapshotFacts
from stores.offline.revisions import read_revision
from stores.offline.runs import run_folder
from stores.offline.tables import OfflineStore
from stores.postgres.connection import Connection
from stores.postgres.loads import LoadRow, loads_of


def has_changed(connection: Connection, load: LoadRow) -> bool:
    """Whether rows that belong to the load were stored since, as an import does."""
    values = {"cutoff": load.cutoff, "watermark_key": load.watermark_key}
    query, parameters = with_parameters("recorded_since", values)
    (row,) = connection.execute(query.encode(), parameters).fetchall()
    return bool(row[0])


def stands_on_withdrawn(connection: Connection, store: OfflineStore, load: LoadRow) -> bool:
    """Whether the snapshot of a load is a delta on that of one that was withdrawn since."""
    try:
        parent = read_revision(store, load.revision, SnapshotFacts).facts.parent
    except UNREADABLE:
        return False  # whoever publishes it says why
    rows = loads_of(connection, load.timelines)
    return parent is not None and any(
        row.withdrawn_at and row.snapshot_id == parent.snapshot_id for row in rows
    )


def missing_keys(store: OfflineStore, chain: tuple[Link, ...]) -> list[str]:
    """The files of a chain that are not there; none of them is read."""
    present = {
        key
        for link in chain
        if link.files
        for key in store.files.list(run_folder(link.slot.dataset, link.run))
    }
    return [each.key for each in files_of(chain) if each.key not in present]


def is_there(store: OfflineStore, name: str) -> bool:
    """Whether the store has a snapshot and all that it stands on; no file is read but the lists."""
    try:
        return not missing_keys(store, chain_of(store, read_revision(store, name, SnapshotFacts)))
    except UNREADABLE:
        return False


def check_there(store: OfflineStore, load: LoadRow, withdrawals: int | None) -> None:
    """Look for the files of a load's chain by their names; none of them is read but the lists.

    `withdrawals` is what `withdrawals_to` returns of the load. Raises SnapshotLost.
    """
    lost = partial(SnapshotLost, load_id=load.load_id, as_of=load.as_of, withdrawals=withdrawals)
    try:
        chain = chain_of(store, read_revision(store, load.revision, SnapshotFacts))
    except UNREADABLE as error:
        raise lost(reason=error.problem) from None
    missing = missing_keys(store, chain)
    metadata = store.files.key_of(load.metadata_location)
    if metadata is not None and not store.files.exists(metadata):
        missing.append(metadata)
    if missing:
        raise lost(reason=f"of its files {len(missing):,} are not there, such as {missing[0]}")
