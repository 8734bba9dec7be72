"""Whether a role sees the rows of all merchants, as jobs and commands have to."""

from typing import Final, LiteralString

from features_pkg.errors import OntemError
from stores.postgres.connection import Connection

_HIDDEN: Final[LiteralString] = """
SELECT current_user::text, min(c.relname::text) FROM pg_class c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND row_security_active(c.oid)
  AND NOT EXISTS (
      SELECT FROM pg_policy p
      WHERE p.polrelid = c.oid AND pg_get_expr(p.polqual, p.polrelid) = 'true'
        AND EXISTS (
            SELECT FROM unnest(p.polroles) AS named WHERE named = 0 OR pg_has_role(named, 'USAGE')))
"""
"""The session's role, and a table of which it sees not all rows, if there is one."""


class RowsHidden(OntemError):
    """Row level security hides rows from a role that has to see all: nights would lack orders."""

    def __init__(self, *, address: str, role: str, table: str) -> None:
        super().__init__(
            f"the role {role} does not see all rows of the table {table} of {address}: name the "
            "owner of the tables in ONTEM_POSTGRES_URL; if it is that, as after a restore for "
            "another role, run `ontem migrate` as that role"
        )
        self.address, self.role, self.table = address, role, table


def check_all_rows(connection: Connection, address: str) -> None:
    """Raise RowsHidden for a role that would find some tables empty."""
    ((role, table),) = connection.execute(_HIDDEN).fetchall()
    if table is not None:
        raise RowsHidden(address=address, role=str(role), table=str(table))
