"""The table `extractions`: what this database knows to have been read from it.

A row is there before its extraction is committed to the offline store, and after all that this one
has read. So a database with the row has all those rows; one without it was restored from a backup
of before, into whatever server.
"""

from stores.postgres.connection import Connection


def record_extraction(connection: Connection, run: str) -> None:
    """Record that the run has read what it is about to commit."""
    connection.execute("INSERT INTO extractions (run) VALUES (%s)", (run,))


def is_recorded(connection: Connection, run: str) -> bool:
    """Whether the database has all rows that the run has read."""
    query = "SELECT EXISTS (SELECT FROM extractions WHERE run = %s)"
    ((is_there,),) = connection.execute(query, (run,)).fetchall()
    return bool(is_there)
