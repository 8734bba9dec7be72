"""A PostgreSQL of one's own that fails over: it comes back as a standby, and is promoted."""

import psycopg

from ontem.stack import LocalStack


def restart_as_standby(stack: LocalStack) -> None:
    """Stop the server, and start it again as a standby of nobody."""
    stack.down()
    (stack.home / "postgres" / "standby.signal").touch()
    stack.up()


def promote(stack: LocalStack) -> None:
    """End the standby's recovery: the same system goes on, on the next timeline."""
    password = (stack.home / "postgres-admin").read_text(encoding="ascii")
    url = stack.variables["ONTEM_POSTGRES_URL"]
    with psycopg.connect(url, user="postgres", password=password, autocommit=True) as admin:
        admin.execute("SELECT pg_promote(wait => true)")
