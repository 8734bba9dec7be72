"""Restoring: the catalogue gets back what it lost of the tables, from their own metadata files."""

from dataclasses import dataclass, replace
from pathlib import Path

from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import TableAlreadyExistsError
from pyiceberg.table import Table

from stores.offline.catalogue import NAME
from stores.offline.catalogue_rows import drop_row, row_location, turn_row
from stores.offline.errors import CatalogueLost, FileMissing, MetadataMissing, TableOfAnotherName
from stores.offline.lineage import State, describe_more, newer_by_hint, newest_name, read_state
from stores.offline.metadata_files import (
    TABLES,
    hint_key,
    hinted_name,
    metadata_folder,
    metadata_key,
    metadata_keys,
    name_of,
)
from stores.offline.past_states import missing_keys
from stores.offline.state_errors import (
    MetadataUnreadable,
    RestoreOvertaken,
    StateElsewhere,
    StateIncomplete,
    StateMissing,
    TableUnknown,
)
from stores.offline.tables import (
    OfflineStore,
    catalogued_names,
    catalogued_table,
    make_namespace,
    write_hint,
)


@dataclass(frozen=True, slots=True)
class Restoration:
    """What the catalogue is to have of a table: the metadata file at the location `after`.

    `before` is what it has, None without a row; `after` is None where no metadata are left.
    `is_readable` says whether the file is there that the catalogue has. `gained` and `lost` say in
    words what the state after has that the one before has not, and what is given up by choice.
    """

    table: str
    before: str | None
    after: str | None
    is_readable: bool = True
    gained: str = ""
    lost: str = ""


def restore_tables(store: OfflineStore, *, dry_run: bool = False) -> list[Restoration]:
    """Give the catalogue the tables that it lost, and the newest states of those that it has.

    A table of which no metadata are left is taken from it. What is to be done is found for all
    tables before anything is changed. With `dry_run` nothing is.

    Raises CatalogueForked, HintedMissing, MetadataAmbiguous, MetadataUnreadable, TableElsewhere,
    TableOfAnotherName before anything is changed; RestoreOvertaken, NotRestorable.
    """
    planned = [_plan(store, name) for name in sorted(_tables(store))]
    restorations = [each for each in planned if each is not None]
    if not dry_run:
        for each in restorations:
            _carry_out(store, each)
    return restorations


def restore_from(
    store: OfflineStore, table: str, metadata: str, *, dry_run: bool = False
) -> Restoration:
    """Have the catalogue go on from a metadata file, by its name or path, whatever it has now.

    Raises TableUnknown, StateElsewhere, StateMissing, MetadataUnreadable or TableOfAnotherName
    where no state of the table is in that file, and StateIncomplete where a cleaning has removed
    files of it, unless the catalogue or the hint names it; TableElsewhere, RestoreOvertaken,
    NotRestorable.
    """
    tables = sorted(_tables(store))
    if table not in tables:
        raise TableUnknown(table=table, tables=tables)
    name = _name_in_folder(store, table, metadata)
    location = store.files.location(metadata_key(table, name))
    try:
        chosen = read_state(store.files, table, name)
    except FileMissing:
        raise StateMissing(table=table, name=name) from None
    if chosen.metadata.location != store.files.location(f"{TABLES}/{table}"):
        raise TableOfAnotherName(table=table, location=location)
    before = row_location(store, table)
    try:
        found = catalogued_table(store, table)
    except CatalogueLost:
        restoration = Restoration(table, None, location)
    except (MetadataMissing, MetadataUnreadable):
        restoration = Restoration(table, before or "", location, is_readable=False)
    else:
        restoration = _turn(store, table, found, chosen)
        if found is not None:
            restoration = replace(restoration, lost=describe_more(State.of(found), chosen))
    present = (hinted_name(store.files, table), name_of(restoration.before or ""))
    if name not in present and (missing := missing_keys(store, metadata_key(table, name))):
        raise StateIncomplete(table=table, name=name, missing=missing)
    if not dry_run:
        _carry_out(store, restoration)
    return restoration


def _turn(store: OfflineStore, name: str, found: Table | None, chosen: State) -> Restoration:
    after = store.files.location(metadata_key(name, chosen.name))
    if found is None:
        return Restoration(name, None, after)
    gained = describe_more(chosen, State.of(found))
    return Restoration(name, found.metadata_location, after, gained=gained)


def _plan(store: OfflineStore, name: str) -> Restoration | None:
    """What is to be done with a table; None for nothing."""
    hinted = hinted_name(store.files, name)  # before the table: commits only go on
    before = row_location(store, name)
    try:
        found = catalogued_table(store, name)
    except CatalogueLost:
        return Restoration(name, None, _newest(store, name))
    except MetadataMissing as missing:
        is_there = metadata_keys(store.files, name)
        newest = _newest(store, name) if is_there else None
        return Restoration(name, before or missing.location, newest, is_readable=False)
    if found is None:
        return None
    newer = newer_by_hint(store.files, name, State.of(found), hinted)
    return None if newer is None else _turn(store, name, found, newer)


def _newest(store: OfflineStore, name: str) -> str:
    return store.files.location(metadata_key(name, newest_name(store.files, name)))


def _tables(store: OfflineStore) -> set[str]:
    """The names of all tables that the folder or the catalogue has."""
    prefix = f"{TABLES}/"
    names = {key.removeprefix(prefix).split("/")[0] for key in store.files.list(TABLES)}
    return names | catalogued_names(store)


def _name_in_folder(store: OfflineStore, table: str, metadata: str) -> str:
    """The name of a metadata file by that or by its path. Raises StateElsewhere."""
    folder, _, _ = metadata.rpartition("/")
    key = metadata_folder(table)
    location = store.files.location(key)
    if folder not in ("", key, location, f"{store.files.url.rstrip('/')}/{key}"):
        is_same = store.files.is_folder and Path(folder).resolve() == Path(location).resolve()
        if not is_same:
            raise StateElsewhere(table=table, path=metadata, folder=location)
    return name_of(metadata)


def _carry_out(store: OfflineStore, restoration: Restoration) -> None:
    """Change the catalogue. Whatever is done twice or half is found and done by the next call."""
    name, before, after = restoration.table, restoration.before, restoration.after
    identifier = (NAME, name)
    if after is None:
        store.files.delete(hint_key(name))  # first: it would name what the next table has not
        drop_row(store, name, before)
        return
    if not restoration.is_readable and not isinstance(store.catalogue, SqlCatalog):
        drop_row(store, name, before)
        before = None
    if before is None:
        make_namespace(store.catalogue)
        try:
            store.catalogue.register_table(identifier, after)
        except TableAlreadyExistsError:
            raise RestoreOvertaken(table=name) from None
    elif after != before:
        turn_row(store, name, before, after)
    write_hint(store, store.catalogue.load_table(identifier))
