"""Sessions of commands: on a database with this code's schema, on the server of its rows."""

from stores.postgres.all_rows import check_all_rows
from stores.postgres.connection import Connection, connect, postgres_address
from stores.postgres.generations import check_server
from stores.postgres.schema import check_schema


def open_session(url: str, *, application_name: str, autocommit: bool = False) -> Connection:
    """A connection as `connect` makes it, to a database that a command may work with.

    No transaction is open. Raises PostgresUnavailable, SchemaRefused when `ontem migrate` has to
    run first, RowsHidden for a role that does not see all merchants, and OtherServer after a
    restore or a failover.
    """
    connection = connect(url, application_name=application_name, autocommit=autocommit)
    try:
        check_schema(connection, postgres_address(url))
        check_all_rows(connection, postgres_address(url))
        check_server(connection, postgres_address(url))
    except BaseException:
        connection.close()
        raise
    return connection
