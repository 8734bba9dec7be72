"""Commits: a run becomes the next revision of its slot, or changes nothing."""

import random
import time
from collections.abc import Callable
from typing import Final, TypeVar

import msgspec
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.expressions import BooleanExpression
from pyiceberg.table import ALWAYS_TRUE, Table, Transaction
from pyiceberg.table.update.snapshot import ManageSnapshots

from stores.offline.catalogue import NAME
from stores.offline.errors import CommitCrowdedOut, RevisionTaken
from stores.offline.revisions import LAYOUT, Property, Revision, newest_number, number_of_run
from stores.offline.runs import Run, Slot, write_file_list
from stores.offline.tables import OfflineStore, TableDefinition, make_table, write_hint

ATTEMPTS: Final = 100
MOST_SECONDS: Final = 0.5

Facts = TypeVar("Facts")


def commit_run(
    store: OfflineStore,
    definition: TableDefinition,
    run: Run[Facts],
    *,
    number: int | None = None,
    adds: bool = False,
    sleep: Callable[[float], None] = time.sleep,
) -> Revision[Facts]:
    """Commit a run as the next revision of its slot; in the table it replaces the one before.

    With `adds` its rows are added to those of the one before. Runs that commit at the same time get
    a revision each; one that is to have a `number` gets that one or raises RevisionTaken. A run
    that was committed already stays as it is.

    Raises CommitCrowdedOut, CatalogueLost, MetadataMissing, MetadataUnreadable, TableElsewhere.
    """
    sha256 = write_file_list(store.files, run)
    make_table(store, run.slot.table, definition)
    for attempt in range(1, ATTEMPTS + 1):
        table = store.catalogue.load_table((NAME, run.slot.table))
        committed = number_of_run(table, run.slot, run.id)
        try:
            if committed is None:
                committed = _next_number(table, run.slot, number)
                replaced = None if adds or committed == 1 else _rows_of(run.slot, definition)
                _commit_once(store, table, run, run.slot.tag(committed), sha256, replaced)
        except CommitFailedException:  # another commit came first: nothing of this one is there
            sleep(random.uniform(0, MOST_SECONDS * min(attempt, 10) / 10))  # noqa: S311  no secret
            continue
        table = store.catalogue.load_table((NAME, run.slot.table))
        write_hint(store, table)
        return Revision.of(run, table, committed)
    raise CommitCrowdedOut(table=run.slot.table, attempts=ATTEMPTS)


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
    """Commit to this very state of the table, in which the rows `replaced` go."""
    locations = [store.files.location(file.key) for file in run.files]
    with Transaction(table) as transaction:
        if replaced is not None:
            transaction.delete(replaced)
        transaction.add_files(locations, snapshot_properties=_properties(run, sha256))
        snapshot = transaction.table_metadata.current_snapshot()
        assert snapshot is not None  # noqa: S101  `add_files` has just made it
        with ManageSnapshots(transaction) as refs:
            refs.create_tag(snapshot.snapshot_id, tag)


def _rows_of(slot: Slot, definition: TableDefinition) -> str | BooleanExpression:
    """The rows that the slot has in the table."""
    if definition.partition is None:
        return ALWAYS_TRUE
    return f"{definition.partition} = '{slot.partition}'"


def _properties(run: Run[Facts], sha256: str) -> dict[str, str]:
    return {
        Property.LAYOUT: str(LAYOUT),
        Property.RUN: run.id,
        Property.FILES_SHA256: sha256,
        Property.FACTS: msgspec.json.encode(run.facts).decode(),
        Property.PROVENANCE: msgspec.json.encode(run.provenance).decode(),
    }
