"""Restoring: the catalogue gets back what it lost of the tables, from their own metadata files."""

from dataclasses import dataclass, replace

from pyiceberg.catalog.sql import IcebergTables, SqlCatalog
from pyiceberg.exceptions import TableAlreadyExistsError
from pyiceberg.table import Table
from sqlalchemy import update
from sqlalchemy.orm import Session

from stores.offline.catalogue import NAME
from stores.offline.errors import (
    CatalogueLost,
    FileMissing,
    MetadataMissing,
    NotRestorable,
    RestoreOvertaken,
    StateMissing,
    TableOfAnotherName,
)
from stores.offline.lineage import State, describe_more, newer_by_hint, read_state
from stores.offline.metadata_files import (
    TABLES,
    hint_key,
    hinted_name,
    metadata_key,
    metadata_keys,
    newest_name,
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
    prefix = f"{TABLES}/"
    names = {key.removeprefix(prefix).split("/")[0] for key in store.files.list(TABLES)}
    planned = [_plan(store, name) for name in sorted(names | catalogued_names(store))]
    restorations = [each for each in planned if each is not None]
    if not dry_run:
        for each in restorations:
            _carry_out(store, each)
    return restorations


def restore_from(
    store: OfflineStore, table: str, name: str, *, dry_run: bool = False
) -> Restoration:
    """Have the catalogue go on from the metadata file of that name, whatever it has now.

    Raises StateMissing, MetadataUnreadable or TableOfAnotherName where no state of the table is in
    that file; TableElsewhere, RestoreOvertaken, NotRestorable.
    """
    location = store.files.location(metadata_key(table, name))
    try:
        chosen = read_state(store.files, table, name)
    except FileMissing:
        raise StateMissing(table=table, name=name) from None
    if chosen.metadata.location != store.files.location(f"{TABLES}/{table}"):
        raise TableOfAnotherName(table=table, location=location)
    try:
        found = catalogued_table(store, table)
    except CatalogueLost:
        restoration = Restoration(table, None, location)
    except MetadataMissing as missing:
        restoration = Restoration(table, missing.location, location, is_readable=False)
    else:
        restoration = _turn(store, table, found, chosen)
        if found is not None:
            restoration = replace(restoration, lost=describe_more(State.of(found), chosen))
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
    try:
        found = catalogued_table(store, name)
    except CatalogueLost:
        return Restoration(name, None, _newest(store, name))
    except MetadataMissing as missing:
        is_there = metadata_keys(store.files, name)
        newest = _newest(store, name) if is_there else None
        return Restoration(name, missing.location, newest, is_readable=False)
    if found is None:
        return None
    newer = newer_by_hint(store.files, name, State.of(found), hinted)
    return None if newer is None else _turn(store, name, found, newer)


def _newest(store: OfflineStore, name: str) -> str:
    return store.files.location(metadata_key(name, newest_name(store.files, name)))


def _carry_out(store: OfflineStore, restoration: Restoration) -> None:
    name, before, after = restoration.table, restoration.before, restoration.after
    identifier = (NAME, name)
    if not restoration.is_readable:
        store.catalogue.drop_table(identifier)
        before = None
    if after is None:
        store.files.delete(hint_key(name))
        return
    if before is None:
        make_namespace(store.catalogue)
        try:
            store.catalogue.register_table(identifier, after)
        except TableAlreadyExistsError:
            raise RestoreOvertaken(table=name) from None
    elif after != before:
        _turn_row(store, name, before, after)
    write_hint(store, store.catalogue.load_table(identifier))


def _turn_row(store: OfflineStore, name: str, before: str, after: str) -> None:
    """Change what the catalogue has of a table, unless another run has changed it meanwhile."""
    if not isinstance(store.catalogue, SqlCatalog):
        raise NotRestorable(table=name, location=after)
    with Session(store.catalogue.engine) as session:
        changed = session.execute(
            update(IcebergTables)
            .where(
                IcebergTables.catalog_name == store.catalogue.name,
                IcebergTables.table_namespace == NAME,
                IcebergTables.table_name == name,
                IcebergTables.metadata_location == before,
            )
            .values(metadata_location=after, previous_metadata_location=before)
            .returning(IcebergTables.table_name)
        ).all()
        session.commit()
    if not changed:
        raise RestoreOvertaken(table=name)
