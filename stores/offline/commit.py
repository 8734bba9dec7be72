"""Commits: a run becomes the next revision of its slot, or changes nothing."""

import random
import time
from collections.abc import Callable, Iterator
from typing import Final, TypeVar

import msgspec
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.expressions import BooleanExpression
from pyiceberg.manifest import DataFile as IcebergFile
from pyiceberg.table import ALWAYS_TRUE, Table, Transaction
from pyiceberg.table.snapshots import Snapshot
from pyiceberg.table.update.snapshot import ManageSnapshots

from stores.offline.errors import CommitCrowdedOut, RevisionTaken
from stores.offline.manifests import lists_are_sound
from stores.offline.revisions import LAYOUT, Property, Revision, newest_number, number_of_run
from stores.offline.runs import Run, Slot, write_file_list
from stores.offline.table_definition import TableDefinition
from stores.offline.tables import OfflineStore, existing_table, make_table, write_hint
from stores.offline.transaction import CachingTransaction

ATTEMPTS: Final = 100
MOST_SECONDS: Final = 0.5

Facts = TypeVar("Facts")
Result = TypeVar("Result")


def commit_run(
    store: OfflineStore,
    definition: TableDefinition,
    run: Run[Facts],
    *,
    number: int | None = None,
    adds: bool = False,
    check: Callable[[], None] = lambda: None,
    sleep: Callable[[float], None] = time.sleep,
) -> Revision[Facts]:
    """Commit a run as the next revision of its slot; in the table it replaces the one before.

    With `adds` its rows are added to those of the one before. Runs that commit at the same time get
    a revision each; one that is to have a `number` gets that one or raises RevisionTaken. A run
    that was committed already stays as it is.

    `check` raises where the run may not commit any more, as it has lost its lock. It is called once
    the state is read that an attempt goes on from: whoever has the lock since then commits to that
    state as well, and the attempt fails.

    Raises CommitCrowdedOut, NamedMissing, NamedDamaged and what `find_table` and `check` raise.
    """
    sha256 = write_file_list(store.files, run)
    made = make_table(store, run.slot.table, definition)

    def commit(table: Table) -> int:
        check()
        committed = number_of_run(table, run.slot, run.id)
        if committed is None:
            committed = _next_number(table, run.slot, number)
            replaced = None if adds else _present_rows(table, run.slot, definition)
            _commit_once(store, table, run, run.slot.tag(committed), sha256, replaced)
        return committed

    table, committed = commit_until_first(store, made, commit, sleep=sleep)
    return Revision.of(run, table, committed)


def commit_compaction(
    store: OfflineStore, table: Table, write: Callable[[Table], Run[Facts]]
) -> Run[Facts]:
    """Commit a run that `write` has made of all rows of a table, in the place of all of them.

    Where another commit comes first, its rows must not go: `write` is called again with the newest
    state. Raises CommitCrowdedOut and what `find_table` raises.
    """

    def commit(state: Table) -> Run[Facts]:
        run = write(state)
        sha256 = write_file_list(store.files, run)
        tag = run.slot.tag(_next_number(state, run.slot, None))
        _commit_once(store, state, run, tag, sha256, ALWAYS_TRUE)
        return run

    return commit_until_first(store, table, commit)[1]


def commit_until_first(
    store: OfflineStore,
    table: Table,
    commit: Callable[[Table], Result],
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[Table, Result]:
    """The table after `commit`, and what that returned.

    `commit` gets the table as `find_table` or `make_table` has found it, and is called again with
    its newest state when another commit came first, so that nothing of its own is there.

    Raises CommitCrowdedOut, NamedMissing, NamedDamaged and what `find_table` raises.
    """
    name = table.name()[-1]
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with lists_are_sound(table):
                result = commit(table)
        except CommitFailedException:
            sleep(random.uniform(0, MOST_SECONDS * min(attempt, 10) / 10))  # noqa: S311  no secret
            table = existing_table(store, name)
            continue
        write_hint(store, table)  # PyIceberg leaves the committed state in it
        return table, result
    raise CommitCrowdedOut(table=name, attempts=ATTEMPTS)


def _next_number(table: Table, slot: Slot, wanted: int | None) -> int:
    """The number of the next revision. Raises RevisionTaken unless it is the one wanted, if any."""
    number = newest_number(table, slot) + 1
    if wanted not in (None, number):
        raise RevisionTaken(name=slot.name(wanted or number))
    return number


def _commit_once(
    store: OfflineStore,
    table: Table,
    run: Run[Facts],
    tag: str,
    sha256: str,
    replaced: str | BooleanExpression | None,
) -> None:
    """Commit to this very state of the table, in which the rows `replaced` go.

    The tag gets a snapshot that has the rows of this run alone: it must not keep the files of other
    partitions alive. PyIceberg asserts the state of the first ref alone, so that must be `main`.
    """
    locations = [store.files.location(file.key) for file in run.files]
    properties = _properties(run, sha256)
    with CachingTransaction(table) as transaction:
        if replaced is not None:
            transaction.delete(replaced)
        transaction.add_files(locations, snapshot_properties=properties)
        snapshot = transaction.table_metadata.current_snapshot()
        assert snapshot is not None  # noqa: S101  `add_files` has just made it
        if table.metadata.spec().fields:
            snapshot_id = _snapshot_alone(transaction, table, snapshot, tag, properties)
        else:
            snapshot_id = snapshot.snapshot_id
        with ManageSnapshots(transaction) as refs:
            refs.create_tag(snapshot_id, tag)


def _snapshot_alone(
    transaction: Transaction, table: Table, snapshot: Snapshot, tag: str, properties: dict[str, str]
) -> int:
    """The id of a new snapshot, without a parent, of the files that `snapshot` has added."""
    update = transaction.update_snapshot(snapshot_properties=properties, branch=tag)
    with update.fast_append() as append:
        for file in _added_files(table, snapshot):
            append.append_data_file(file)
    return append.snapshot_id


def _added_files(table: Table, snapshot: Snapshot) -> Iterator[IcebergFile]:
    for manifest in snapshot.manifests(table.io):
        if manifest.added_snapshot_id == snapshot.snapshot_id:
            for entry in manifest.fetch_manifest_entry(table.io):
                if entry.snapshot_id == snapshot.snapshot_id:
                    yield entry.data_file


def _present_rows(
    table: Table, slot: Slot, definition: TableDefinition
) -> str | BooleanExpression | None:
    """What finds the rows that the table has of the slot; None when there are none."""
    if definition.partition is None:
        rows: str | BooleanExpression = ALWAYS_TRUE
    else:
        rows = f"{definition.partition} = '{slot.partition}'"
    return rows if any(table.scan(rows).plan_files()) else None


def _properties(run: Run[Facts], sha256: str) -> dict[str, str]:
    return {
        Property.LAYOUT: str(LAYOUT),
        Property.RUN: run.id,
        Property.FILES_SHA256: sha256,
        Property.FACTS: msgspec.json.encode(run.facts).decode(),
        Property.PROVENANCE: msgspec.json.encode(run.provenance).decode(),
    }
