"""The role of the service in PostgreSQL: it owns nothing, and sees one merchant per transaction."""

from importlib.resources import files
from typing import Final

from psycopg import sql

from features_pkg.errors import OntemError
from stores.postgres.connection import Connection

SERVICE_ROLE: Final = "ontem_service"


class RoleRefused(OntemError):
    """The role of a session has more rights than the service should have.

    `state` and `remedy` are the sentence without the database's address.
    """

    def __init__(self, *, role: str, right: str) -> None:
        self.state = f"the service connects as {role}, which {right}"
        self.remedy = (
            f"name the role {SERVICE_ROLE} in ONTEM_SERVICE_LOGIN or ONTEM_POSTGRES_URL; "
            "sql/service_role.sql makes it, and `ontem migrate` grants it its rights"
        )
        super().__init__(f"{self.state}: {self.remedy}")


def create_service_role(connection: Connection, password: str) -> None:
    """Make the role, by a session of a superuser."""
    statements = files("sql").joinpath("service_role.sql").read_text(encoding="utf-8")
    quoted = sql.Literal(password).as_string(connection)
    connection.execute(statements.replace(":'service_password'", quoted).encode())


def check_role(connection: Connection) -> None:
    """Raise RoleRefused unless row level security binds the session's role."""
    ((role, is_super, bypasses, owns),) = connection.execute(
        "SELECT current_user::text, rolsuper, rolbypassrls,"
        " EXISTS (SELECT FROM pg_class WHERE oid = to_regclass('orders')"
        "         AND pg_has_role(relowner, 'USAGE'))"
        " FROM pg_roles WHERE rolname = current_user"
    ).fetchall()
    right = (
        "is a superuser" if is_super
        else "bypasses row level security" if bypasses
        else "owns the tables" if owns
        else ""
    )  # fmt: skip
    if right:
        raise RoleRefused(role=str(role), right=right)
