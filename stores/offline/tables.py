"""Iceberg tables: how they are made, opened and found again."""

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol

import pyarrow as pa
from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import (
    CommitFailedException,
    NoSuchNamespaceError,
    NoSuchTableError,
    TableAlreadyExistsError,
    ValidationError,
)
from pyiceberg.table import Table
from sqlalchemy.exc import IntegrityError

from stores.offline.catalogue import NAME, CatalogueSettings, open_catalogue
from stores.offline.errors import CatalogueLost, MetadataMissing, TableElsewhere, TableOfAnotherName
from stores.offline.files import Files, open_files
from stores.offline.lineage import State, names_after, newer_by_hint, reason_of
from stores.offline.metadata_files import (
    METADATA,
    TABLES,
    hint_key,
    hinted_name,
    metadata_folder,
    metadata_keys,
    name_of,
    number_of,
)
from stores.offline.state_errors import CatalogueOutdated, MetadataUnreadable
from stores.offline.table_definition import TableDefinition

PROPERTIES: Final = {
    # PyIceberg's own repetition of a commit drops its tag, so `commit_run` repeats it.
    "commit.retry.num-retries": "0",
    # Run folders are removed by Ontem alone: other engines refuse to expire or delete anything.
    "gc.enabled": "false",
    # No amounts in the metadata; the partition's column and those of `bounds` are added per table.
    "write.metadata.metrics.default": "none",
}


@dataclass(frozen=True, slots=True)
class OfflineStore:
    """The files below the root, and the catalogue of the tables that name them.

    One that is not for writing may be on a disk that only reads.
    """

    files: Files
    catalogue: Catalog
    writes: bool = True


class StoreSettings(CatalogueSettings, Protocol):
    """Where the offline store is."""

    @property
    def storage_url(self) -> str:
        """The URL of the root."""
        ...


def open_store(settings: StoreSettings, *, writes: bool = True) -> OfflineStore:
    """The store that the settings name. Raises StorageUnusable or PostgresUnavailable."""
    files = open_files(settings.storage_url, settings, writes=writes)
    return OfflineStore(files, open_catalogue(settings, files), writes)


def find_table(store: OfflineStore, name: str) -> Table | None:
    """The table in its newest state; None when nothing was ever committed to it.

    Every reader and every commit begins here, so none goes on from a state that is not the newest.
    A hint that is lost is written again, so that each file of a commit comes after a hint; by who
    only reads it is not.

    Raises CatalogueOutdated, CatalogueForked, HintedMissing, MetadataAmbiguous and what
    `catalogued_table` raises.
    """
    files = store.files
    hinted = hinted_name(files, name)  # before the table: commits only go on
    table = catalogued_table(store, name)
    if table is None:
        return None
    known = State.of(table)
    if not hinted and names_after(files, name, known) and hinted_name(files, name):
        return find_table(store, name)  # another run has written both in between
    newer = newer_by_hint(files, name, known, hinted)
    if newer is not None:
        raise CatalogueOutdated(table=name, hinted=newer.name, known=known.name)
    if not hinted and store.writes:
        write_hint(store, table)
    return table


def existing_table(store: OfflineStore, name: str) -> Table:
    """The table in its newest state. Raises what `find_table` raises, CatalogueLost without one."""
    table = find_table(store, name)
    if table is None:
        raise CatalogueLost(table=name, folder=store.files.location(metadata_folder(name)))
    return table


def check_tables(store: OfflineStore, names: Iterable[str]) -> None:
    """Before hours are spent on a commit to these tables: raises what `find_table` raises."""
    for name in names:
        find_table(store, name)


def catalogued_table(store: OfflineStore, name: str) -> Table | None:
    """The table as the catalogue has it; None when nothing was ever committed to it.

    Then there may be metadata of number 0, from a run that was killed as it made the table.

    Raises CatalogueLost, MetadataMissing, MetadataUnreadable, TableElsewhere or TableOfAnotherName.
    """
    try:
        table = store.catalogue.load_table((NAME, name))
    except NoSuchTableError:
        if not any(number_of(name_of(key)) for key in metadata_keys(store.files, name)):
            return None
        if store.catalogue.table_exists((NAME, name)):  # another run has made it meanwhile
            return catalogued_table(store, name)
        folder = store.files.location(metadata_folder(name))
        raise CatalogueLost(table=name, folder=folder) from None
    except FileNotFoundError as error:
        raise MetadataMissing(table=name, location=_location_in(error) or name) from None
    except (ValueError, ValidationError) as error:  # that of json is a ValueError
        raise MetadataUnreadable(table=name, reason=reason_of(error)) from None
    if store.files.key_of(table.location()) is None:
        raise TableElsewhere(table=name, location=table.location(), root=store.files.url)
    if table.location() != store.files.location(f"{TABLES}/{name}"):
        raise TableOfAnotherName(table=name, location=table.location())
    return table


def _location_in(error: FileNotFoundError) -> str:
    """The metadata file that PyIceberg did not find: it says so of a folder and of S3 otherwise."""
    found = re.search(rf"(?:'|: )([^':][^']*{re.escape(METADATA)})", str(error))
    return found[1] if found else ""


def catalogued_names(store: OfflineStore) -> set[str]:
    """The names of all tables that the catalogue has."""
    try:
        return {identifier[-1] for identifier in store.catalogue.list_tables(NAME)}
    except NoSuchNamespaceError:
        return set()


def make_table(store: OfflineStore, name: str, definition: TableDefinition) -> Table:
    """The table, which is created if it is missing, and gets the columns that it lacks.

    Raises what `find_table` raises.
    """
    if (table := find_table(store, name)) is not None:
        return _with_columns(store, table, definition.columns)
    make_namespace(store.catalogue)
    creation = store.catalogue.create_table_transaction(
        (NAME, name),
        definition.columns,
        location=store.files.location(f"{TABLES}/{name}"),
        properties=PROPERTIES | _metrics(definition) | {"comment": definition.doc},
    )
    if definition.partition is not None:
        with creation.update_spec() as spec:
            spec.add_identity(definition.partition)
    try:
        creation.commit_transaction()
        table = store.catalogue.load_table((NAME, name))
    except (TableAlreadyExistsError, CommitFailedException):  # another run made it at this moment
        return existing_table(store, name)
    write_hint(store, table)
    return table


def _with_columns(store: OfflineStore, table: Table, columns: pa.Schema) -> Table:
    """The table with all of these columns; rows from before it had one say null there."""
    while set(columns.names) - set(table.schema().column_names):
        with suppress(CommitFailedException), table.update_schema() as update:
            update.union_by_name(columns)
        table = store.catalogue.load_table(table.name())
    return table


def write_hint(store: OfflineStore, table: Table) -> None:
    """Name the newest metadata file beside it: for engines that have no catalogue, and for us.

    Two runs may write it at once, so it is written until no newer state is found. One that does not
    follow is that of a catalogue which was just restored, and no reason to forget this one.
    """
    key = hint_key(table.name()[-1])
    written = ""
    while not written or written in State.of(table).log:
        written = name_of(table.metadata_location)
        store.files.write(key, written.encode())
        table = store.catalogue.load_table(table.name())


def make_namespace(catalogue: Catalog) -> None:
    """Make the namespace of all tables if it is missing; another run may do so at this moment."""
    try:
        catalogue.create_namespace_if_not_exists(NAME)
    except IntegrityError:
        if not catalogue.namespace_exists(NAME):
            raise


def _metrics(definition: TableDefinition) -> dict[str, str]:
    names = [*([definition.partition] if definition.partition else []), *definition.bounds]
    return {f"write.metadata.metrics.column.{name}": "full" for name in names}
