"""States of tables by their metadata files: what the catalogue has no more may still be needed."""

from collections.abc import Callable, Iterable

from pyiceberg.table import StaticTable, Table

from stores.offline.catalogue import NAME
from stores.offline.errors import NamedMissing
from stores.offline.lineage import reason_of
from stores.offline.metadata_files import METADATA, TABLES, name_of
from stores.offline.naming import NameReader
from stores.offline.runs import RUNS
from stores.offline.state_errors import MetadataUnreadable
from stores.offline.tables import OfflineStore


def past_state_keys(
    store: OfflineStore,
    reader: NameReader,
    metadata_key: str,
    ids_of: Callable[[Table], Iterable[int]],
) -> set[str]:
    """The lists and the files of some states, by a metadata file that knows them.

    None where the metadata or a list of it are gone: then nobody can read that state any more.
    Raises MetadataUnreadable, NamedElsewhere.
    """
    try:
        table = _table_at(store, metadata_key)
        return set().union(*(reader.state_keys(table, each) for each in ids_of(table)))
    except (FileNotFoundError, NamedMissing):
        return set()


def missing_keys(store: OfflineStore, metadata_key: str) -> list[str]:
    """What the states that a metadata file describes name, and what is not there, sorted.

    Where a list of files is gone, that alone. Raises MetadataUnreadable, NamedElsewhere.
    """
    table, reader = _table_at(store, metadata_key), NameReader(store.files)
    try:
        named = {
            key
            for each in table.metadata.snapshots
            for key in reader.state_keys(table, each.snapshot_id)
        }
    except NamedMissing as missing:
        return [missing.location]
    present = {*store.files.list(RUNS), *store.files.list(TABLES)}
    return sorted(named - present)


def is_of_empty_table(store: OfflineStore, key: str) -> bool:
    """Whether a file is the metadata of a table to which nothing was committed yet."""
    if not key.endswith(METADATA):
        return False
    try:
        return not _table_at(store, key).metadata.snapshots
    except MetadataUnreadable:
        return False


def _table_at(store: OfflineStore, key: str) -> Table:
    """The table as its metadata file has it, whatever the catalogue has."""
    name = key.removeprefix(f"{TABLES}/").partition("/")[0]
    location = store.files.location(key)
    try:
        found = StaticTable.from_metadata(location, store.catalogue.properties)
    except ValueError as error:  # pydantic's and json's are ValueErrors
        raise MetadataUnreadable(table=name, reason=reason_of(error), name=name_of(key)) from None
    return Table((NAME, name), found.metadata, location, found.io, store.catalogue)
