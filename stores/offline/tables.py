"""Iceberg tables: how they are made, opened and found again."""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol

import pyarrow as pa
from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import CommitFailedException, NoSuchTableError, TableAlreadyExistsError
from pyiceberg.table import Table
from sqlalchemy.exc import IntegrityError

from stores.offline.catalogue import NAME, CatalogueSettings, open_catalogue
from stores.offline.errors import (
    CatalogueLost,
    MetadataAmbiguous,
    MetadataMissing,
    MetadataUnreadable,
    TableElsewhere,
    TableOfAnotherName,
)
from stores.offline.files import Files, open_files

TABLES: Final = "tables"
HINT: Final = "version-hint.text"
METADATA: Final = ".metadata.json"
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
    """The files below the root, and the catalogue of the tables that name them."""

    files: Files
    catalogue: Catalog


@dataclass(frozen=True, slots=True)
class TableDefinition:
    """The columns of a dataset's tables, in order, and the one that names the partition, if any.

    Each field of `columns` says in its metadata, under `doc`, what the column holds. Of the columns
    in `bounds` the table knows the lowest and the highest value of each file, so that a reader of
    some values leaves the other files out.
    """

    columns: pa.Schema
    doc: str
    partition: str | None = None
    bounds: tuple[str, ...] = ()


def documented(columns: pa.Schema, docs: Mapping[str, str]) -> pa.Schema:
    """The columns, each with what `docs` says of it, if anything."""
    return pa.schema(
        [
            column.with_metadata({"doc": docs[column.name]}) if column.name in docs else column
            for column in columns
        ]
    )


class StoreSettings(CatalogueSettings, Protocol):
    """Where the offline store is."""

    @property
    def storage_url(self) -> str:
        """The URL of the root."""
        ...


def open_store(settings: StoreSettings) -> OfflineStore:
    """The store that the settings name. Raises StorageUnusable or PostgresUnavailable."""
    files = open_files(settings.storage_url, settings)
    return OfflineStore(files, open_catalogue(settings, files))


def find_table(store: OfflineStore, name: str) -> Table | None:
    """The table in its newest state; None when nothing was ever committed to it.

    Then there may be metadata of number 0, from a run that was killed as it made the table.

    Raises CatalogueLost, MetadataMissing, MetadataUnreadable, TableElsewhere or TableOfAnotherName.
    """
    try:
        table = store.catalogue.load_table((NAME, name))
    except NoSuchTableError:
        if not any(_number_of(key) for key in _metadata_keys(store.files, name)):
            return None
        if store.catalogue.table_exists((NAME, name)):  # another run has made it meanwhile
            return find_table(store, name)
        folder = store.files.location(_metadata_folder(name))
        raise CatalogueLost(table=name, folder=folder) from None
    except FileNotFoundError as error:
        location = str(error).rpartition(": ")[2] or name
        raise MetadataMissing(table=name, location=location) from None
    except ValueError as error:  # pydantic's and json's are ValueErrors
        reason = str(error).splitlines()[0]
        raise MetadataUnreadable(table=name, reason=reason) from None
    if store.files.key_of(table.location()) is None:
        raise TableElsewhere(table=name, location=table.location(), root=store.files.url)
    if table.location() != store.files.location(f"{TABLES}/{name}"):
        raise TableOfAnotherName(table=name, location=table.location())
    return table


def make_table(store: OfflineStore, name: str, definition: TableDefinition) -> Table:
    """The table, which is created if it is missing, and gets the columns that it lacks.

    Raises what `find_table` raises.
    """
    if (table := find_table(store, name)) is not None:
        return _with_columns(store, table, definition.columns)
    _make_namespace(store.catalogue)
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
        return creation.commit_transaction()
    except (TableAlreadyExistsError, CommitFailedException):  # another run made it at this moment
        return store.catalogue.load_table((NAME, name))


def _with_columns(store: OfflineStore, table: Table, columns: pa.Schema) -> Table:
    """The table with all of these columns; rows from before it had one say null there."""
    while set(columns.names) - set(table.schema().column_names):
        with suppress(CommitFailedException), table.update_schema() as update:
            update.union_by_name(columns)
        table = store.catalogue.load_table(table.name())
    return table


def write_hint(store: OfflineStore, table: Table) -> None:
    """Name the newest metadata file beside it, for engines that have no catalogue.

    Two runs may write it at once, so it is written until it is right.
    """
    key = hint_key(table.name()[-1])
    written = ""
    while table.metadata_location != written:
        written = table.metadata_location
        name = written.rpartition("/")[2].removesuffix(METADATA)
        store.files.write(key, name.encode())
        table = store.catalogue.load_table(table.name())


def hint_key(name: str) -> str:
    """The key of the file that names the newest metadata of a table."""
    return f"{_metadata_folder(name)}/{HINT}"


def hinted_metadata(files: Files, name: str) -> str:
    """The key of the metadata file that the hint of a table names; empty without a hint."""
    key = hint_key(name)
    if not files.exists(key):
        return ""
    return f"{_metadata_folder(name)}/{files.read(key).decode()}{METADATA}"


def restore_tables(store: OfflineStore) -> Mapping[str, str | None]:
    """Give the catalogue the tables that it lost, and take from it those that have no metadata.

    The names of these tables, with the newest metadata file, or with None where there is none.
    Raises MetadataAmbiguous, TableElsewhere.
    """
    _make_namespace(store.catalogue)
    prefix = f"{TABLES}/"
    names = {key.removeprefix(prefix).split("/")[0] for key in store.files.list(TABLES)}
    names |= {identifier[-1] for identifier in store.catalogue.list_tables(NAME)}
    restored: dict[str, str | None] = {}
    for name in sorted(names):
        try:
            find_table(store, name)
        except CatalogueLost:
            restored[name] = _register(store, name)
        except MetadataMissing:
            store.catalogue.drop_table((NAME, name))
            is_there = _metadata_keys(store.files, name)
            restored[name] = _register(store, name) if is_there else None
    return restored


def _register(store: OfflineStore, name: str) -> str:
    """Name the newest metadata file in the catalogue; the location of that file."""
    location = store.files.location(_newest_metadata(store.files, name))
    store.catalogue.register_table((NAME, name), location)
    return location


def _make_namespace(catalogue: Catalog) -> None:
    """Make the namespace of all tables if it is missing; another run may do so at this moment."""
    try:
        catalogue.create_namespace_if_not_exists(NAME)
    except IntegrityError:
        if not catalogue.namespace_exists(NAME):
            raise


def _newest_metadata(files: Files, name: str) -> str:
    """The key of the metadata file that nothing follows, from the one that the hint names on.

    A run that was killed while it committed may have left a file that the catalogue never took. It
    has the number of one that it did take, or follows the hint's.
    """
    keys = _metadata_keys(files, name)
    newest = max(map(_number_of, keys))
    candidates = [key for key in keys if _number_of(key) == newest]
    named = hinted_metadata(files, name)
    if named in candidates:
        return named
    if len(candidates) > 1:
        raise MetadataAmbiguous(table=name, names=[key.rpartition("/")[2] for key in candidates])
    return candidates[0]


def _number_of(key: str) -> int:
    found = re.match(r"\d+", key.rpartition("/")[2])
    return int(found[0]) if found else -1


def _metadata_folder(name: str) -> str:
    return f"{TABLES}/{name}/metadata"


def _metadata_keys(files: Files, name: str) -> list[str]:
    return [key for key in files.list(_metadata_folder(name)) if key.endswith(METADATA)]


def _metrics(definition: TableDefinition) -> dict[str, str]:
    names = [*([definition.partition] if definition.partition else []), *definition.bounds]
    return {f"write.metadata.metrics.column.{name}": "full" for name in names}
