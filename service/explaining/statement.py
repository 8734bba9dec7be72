"""Statements within a transaction that is open already."""

from collections.abc import Mapping

from service.statements import Statement
from stores.postgres.pipelined import PipelinedConnection, Row


def run(
    connection: PipelinedConnection, statement: Statement, values: Mapping[str, object]
) -> list[Row]:
    """The rows of a statement; the transaction must have set the merchant. Raises psycopg.Error."""
    return connection.send(statement.query(values)).rows()
