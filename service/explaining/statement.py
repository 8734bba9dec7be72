"""Statements within a transaction that is open already."""

from collections.abc import Mapping

import psycopg

from service.statements import Row, Statement
from stores.postgres.connection import Connection


def run(connection: Connection, statement: Statement, values: Mapping[str, object]) -> list[Row]:
    """The rows of a statement; the transaction must have set the merchant. Raises psycopg.Error."""
    parameters = [values[name] for name in statement.names]
    cursor = psycopg.RawCursor(connection)
    cursor.execute(statement.text.encode(), parameters, prepare=True, binary=True)
    return cursor.fetchall()
