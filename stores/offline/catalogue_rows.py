"""The rows of the catalogue in PostgreSQL, each changed only if it is still as it was found."""

from pyiceberg.catalog.sql import IcebergTables, SqlCatalog
from pyiceberg.exceptions import NoSuchTableError
from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import Session

from stores.offline.catalogue import NAME
from stores.offline.state_errors import NotRestorable, RestoreOvertaken
from stores.offline.tables import OfflineStore


def row_location(store: OfflineStore, name: str) -> str | None:
    """The metadata file that the catalogue names for a table; None where it is not PostgreSQL's."""
    if not isinstance(store.catalogue, SqlCatalog):
        return None
    with Session(store.catalogue.engine) as session:
        query = select(IcebergTables.metadata_location).where(*_is_row(store.catalogue, name))
        return session.scalar(query)


def turn_row(store: OfflineStore, name: str, before: str, after: str) -> None:
    """Change what the catalogue has of a table from `before`. Raises RestoreOvertaken."""
    if not isinstance(store.catalogue, SqlCatalog):
        raise NotRestorable(table=name, location=after)
    with Session(store.catalogue.engine) as session:
        changed = session.execute(
            update(IcebergTables)
            .where(*_is_row(store.catalogue, name), IcebergTables.metadata_location == before)
            .values(metadata_location=after, previous_metadata_location=before)
            .returning(IcebergTables.table_name)
        ).all()
        session.commit()
    if not changed:
        raise RestoreOvertaken(table=name)


def drop_row(store: OfflineStore, name: str, before: str | None) -> None:
    """Take a table that is `before` from the catalogue. Raises RestoreOvertaken."""
    if not isinstance(store.catalogue, SqlCatalog):
        try:
            store.catalogue.drop_table((NAME, name))
        except NoSuchTableError:
            raise RestoreOvertaken(table=name) from None
        return
    with Session(store.catalogue.engine) as session:
        dropped = session.execute(
            delete(IcebergTables)
            .where(*_is_row(store.catalogue, name), IcebergTables.metadata_location == before)
            .returning(IcebergTables.table_name)
        ).all()
        session.commit()
    if not dropped:
        raise RestoreOvertaken(table=name)


def _is_row(catalogue: SqlCatalog, name: str) -> tuple[ColumnElement[bool], ...]:
    return (
        IcebergTables.catalog_name == catalogue.name,
        IcebergTables.table_namespace == NAME,
        IcebergTables.table_name == name,
    )
