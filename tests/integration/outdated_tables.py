"""Tables whose catalogue was restored from an older backup, and hints that say what they like."""

import psycopg
from pyiceberg.table import Table

from stores.offline.catalogue import NAME
from stores.offline.metadata_files import hint_key, hinted_name, metadata_key, name_of
from stores.offline.revisions import Revision
from stores.offline.tables import OfflineStore
from tests.integration.offline_runs import SLOT, Facts, commit


def turn_back(url: str, location: str, table: str = SLOT.table) -> None:
    """Leave the catalogue with an older state, as a restored backup does."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "UPDATE iceberg_tables SET metadata_location = %s WHERE table_name = %s",
            (location, table),
        )


def location_in_catalogue(url: str, table: str = SLOT.table) -> str:
    query = "SELECT metadata_location FROM iceberg_tables WHERE table_name = %s"
    with psycopg.connect(url) as connection:
        ((location,),) = connection.execute(query, (table,)).fetchall()
    return str(location)


def hint(store: OfflineStore) -> str:
    return hinted_name(store.files, SLOT.table)


def write_hint_of(store: OfflineStore, name: str) -> None:
    store.files.write(hint_key(SLOT.table), name.encode())


def location_of(store: OfflineStore, name: str) -> str:
    return store.files.location(metadata_key(SLOT.table, name))


def committed_by_others(store: OfflineStore, commits: int) -> list[str]:
    """The names of the states that somebody commits who writes no hint, oldest first."""
    table: Table = store.catalogue.load_table((NAME, SLOT.table))
    names = []
    for number in range(commits):
        with table.transaction() as change:
            change.set_properties({"n": str(number)})
        names.append(name_of(table.metadata_location))
    return names


def forked(store: OfflineStore, url: str) -> tuple[Revision[Facts], Revision[Facts]]:
    """What is on both sides: the hint names the first, the catalogue has the second."""
    begun = commit(store, "one", rows=1)
    first = commit(store, "two", rows=2)
    turn_back(url, begun.metadata_location)
    write_hint_of(store, name_of(begun.metadata_location))  # as before anybody looked at it
    commit(store, "three", rows=3)
    second = commit(store, "four", rows=4)
    write_hint_of(store, name_of(first.metadata_location))
    return first, second
