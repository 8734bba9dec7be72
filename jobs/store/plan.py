"""What cleaning the offline store would let go and remove. Nothing is changed here."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from pyiceberg.table import Table
from pyiceberg.table.refs import MAIN_BRANCH

from jobs.store.parents import parents_of, with_parents
from jobs.store.pins import Pins
from jobs.store.retention import expired
from stores.offline.errors import TablesUnknown
from stores.offline.expiry import Expiry, expiry_of
from stores.offline.files import FoundFile
from stores.offline.metadata_files import HINT, TABLES
from stores.offline.naming import NameReader
from stores.offline.past_states import is_of_empty_table, past_state_keys
from stores.offline.removal import run_folder_of
from stores.offline.revisions import TaggedRevision, tagged_revisions
from stores.offline.runs import RUNS
from stores.offline.tables import OfflineStore, catalogued_names, find_table


@dataclass(frozen=True, slots=True, kw_only=True)
class Cutoffs:
    """Revisions from before `expire_before` expire; None: none does.

    Files that nothing names, and states of tables that no tag names, go when they are from before
    `remove_before`: a job may be writing what is younger.
    """

    expire_before: datetime | None
    remove_before: datetime


@dataclass(frozen=True, slots=True)
class CleanPlan:
    """What expires of each table, the files that are `present`, and those of them that may go.

    `missing` are keys that tables name and that are not there, `links` those of symbolic links that
    lead to what tables name.
    """

    expiries: dict[str, Expiry]
    present: tuple[FoundFile, ...]
    removable: tuple[FoundFile, ...]
    missing: tuple[str, ...]
    links: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.removable and all(each.is_empty for each in self.expiries.values())


def make_plan(store: OfflineStore, reader: NameReader, pins: Pins, cutoffs: Cutoffs) -> CleanPlan:
    """The plan by the present state of the store.

    Raises TablesUnknown, NamedMissing, NamedElsewhere and what `find_table` raises.
    """
    present = (*store.files.find(RUNS), *store.files.find(TABLES))
    tables = known_tables(store, present)
    expiries = {table.name()[-1]: choose(table, pins, cutoffs) for table in tables}
    data: set[str] = set()
    named = pinned_keys(store, reader, pins, tables)
    for table in tables:
        expiry = expiries[table.name()[-1]]
        head = {table.metadata.current_snapshot_id or 0}
        kept = {each.snapshot_id for each in table.metadata.snapshots} - expiry.snapshot_ids
        without = expiry.partitions if head <= expiry.snapshot_ids else ()
        data |= reader.data_keys(table, kept | head, without=without)
        named |= reader.metadata_keys(table)
    found = {each.key for each in present}
    needed = with_folders(named | data)
    links = found & (needed - named - data)
    return CleanPlan(
        expiries=expiries,
        present=present,
        removable=removable(present, needed, cutoffs.remove_before),
        missing=tuple(sorted(key for key in data - found if links.isdisjoint(_folders(key)))),
        links=tuple(sorted(links)),
    )


def choose(table: Table, pins: Pins, cutoffs: Cutoffs) -> Expiry:
    """What of this state of a table expires."""
    revisions, parents = tagged_revisions(table), parents_of(table)
    pins = replace(pins, parent_ids=_needed(table, revisions, parents, pins))
    before = cutoffs.expire_before
    return expiry_of(
        table,
        revisions,
        [] if before is None else expired(revisions, pins, before, parents),
        kept_ids=pins.snapshot_ids,
        untagged_before=cutoffs.remove_before,
    )


def _needed(
    table: Table, revisions: Sequence[TaggedRevision], parents: Mapping[int, int], pins: Pins
) -> frozenset[int]:
    """What the pinned states of a table and those that tags of others name stand on."""
    tags = {each.slot.tag(each.number) for each in revisions} | {MAIN_BRANCH}
    named = {ref.snapshot_id for tag, ref in table.metadata.refs.items() if tag not in tags}
    pinned = pins.snapshot_ids | {each.snapshot_id for each in revisions if pins.holds(each)}
    return frozenset(with_parents(parents, {parents[each] for each in named & {*parents}} | pinned))


def named_now(store: OfflineStore, reader: NameReader, pins: Pins) -> set[str]:
    """All keys that tables and pins name by now, and the folders that these are in."""
    tables = known_tables(store, store.files.find(TABLES))
    named = pinned_keys(store, reader, pins, tables)
    for table in tables:
        ids = {each.snapshot_id for each in table.metadata.snapshots}
        named |= reader.metadata_keys(table) | reader.data_keys(table, ids)
    return with_folders(named)


def with_folders(keys: set[str]) -> set[str]:
    """The keys, and those of the folders that they are in: one may be a link to another disk."""
    return keys.union(*map(_folders, {key.rpartition("/")[0] + "/" for key in keys}))


def _folders(key: str) -> set[str]:
    return {key[:position] for position, character in enumerate(key) if character == "/"}


def known_tables(store: OfflineStore, present: Sequence[FoundFile]) -> list[Table]:
    """All tables, when the catalogue knows all that are there, in their newest state.

    Where it does not, files that are needed would look as if nothing named them.
    """
    names = catalogued_names(store)
    folders: defaultdict[str, list[str]] = defaultdict(list)
    for each in present:
        if each.key.startswith(f"{TABLES}/"):
            folders[each.key.split("/")[1]].append(each.key)
    known = [_known(store, name, folders.get(name, [])) for name in sorted(names | {*folders})]
    tables = [table for table in known if table is not None]
    if present and not tables:
        raise TablesUnknown(folder=store.files.location(RUNS))
    return tables


def _known(store: OfflineStore, name: str, keys: Sequence[str]) -> Table | None:
    """The table; None when these keys are no table's that ever had a row."""
    if name in ("", ".", ".."):  # a bucket may have `tables//a`
        raise TablesUnknown(folder=store.files.location(TABLES))
    table = find_table(store, name)
    if table is None:
        if keys and all(_is_no_table(store, key) for key in keys):
            return None
        raise TablesUnknown(folder=store.files.location(f"{TABLES}/{name}"))
    return table


def _is_no_table(store: OfflineStore, key: str) -> bool:
    """Whether a file is beside the tables, or left by a run that was killed as it made one."""
    if key.count("/") == 1:
        return store.files.exists(key)  # and is not a link to the folder of a table
    return key.endswith(f"/{HINT}") or is_of_empty_table(store, key)


def pinned_keys(
    store: OfflineStore, reader: NameReader, pins: Pins, tables: Iterable[Table]
) -> set[str]:
    """The keys of the metadata that loads and models name; those of other stores have none here.

    Of a state that its table has no more, as after an older backup of the catalogue, all files.
    """
    known = {each.snapshot_id for table in tables for each in table.metadata.snapshots}
    keys: set[str] = set()
    for location, snapshot_id in pins.states:
        key = store.files.key_of(location)
        if key is not None:
            keys.add(key)
            if snapshot_id not in known:
                keys |= past_state_keys(store, reader, key, partial(_chain_ids, snapshot_id))
    return keys


def _chain_ids(snapshot_id: int, table: Table) -> set[int]:
    """A state of a table and all that it stands on."""
    return with_parents(parents_of(table), {snapshot_id})


def removable(
    present: Sequence[FoundFile], named: set[str], before: datetime
) -> tuple[FoundFile, ...]:
    """The files that nothing names and that are old, in runs that have none that is younger."""
    at_work = {run_folder_of(each.key) for each in present if each.modified_at >= before} - {""}
    return tuple(
        each
        for each in present
        if each.key not in named
        and each.modified_at < before
        and run_folder_of(each.key) not in at_work
    )
