"""The service's role in PostgreSQL: what it may do, and whose rows it sees."""

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from jobs.exit_codes import exit_code
from stores.postgres.all_rows import RowsHidden
from stores.postgres.connection import Connection, connect
from stores.postgres.issued_keys import issue_key
from stores.postgres.merchants import add_merchant, authenticate
from stores.postgres.migrate import migrate
from stores.postgres.service_role import RoleRefused, check_role
from stores.postgres.sessions import open_session
from stores.urls import with_login
from tests.servers import own_stack, service_login

AN_ORDER = (
    "INSERT INTO orders (merchant_id, order_id, evaluated_at, content_hash, amount_cents)"
    " VALUES (%s, %s, clock_timestamp(), sha256('x'), 1)"
)


@pytest.fixture
def owner(database_url: str) -> Iterator[Connection]:
    """A session of the owner, with two merchants of an order each."""
    with connect(database_url, application_name="test", autocommit=True) as connection:
        for name in ("ana", "bia"):
            merchant = add_merchant(connection, name)
            connection.execute(AN_ORDER, (merchant.merchant_id, f"of {name}"))
        yield connection


@pytest.fixture
def service(owner: Connection, database_url: str) -> Iterator[Connection]:
    """A session as the service has them."""
    url = with_login(database_url, service_login(database_url))
    with connect(url, application_name="test", autocommit=True) as connection:
        yield connection


def orders(session: Connection) -> list[object]:
    return [order_id for (order_id,) in session.execute("SELECT order_id FROM orders ORDER BY 1")]


def test_the_rows_of_one_merchant_are_seen_for_one_transaction(
    owner: Connection, service: Connection
) -> None:
    assert orders(owner) == ["of ana", "of bia"]
    assert orders(service) == []
    with service.transaction():
        service.execute("SELECT set_config('ontem.merchant', '2', true)")
        assert orders(service) == ["of bia"]
    assert orders(service) == []


def test_a_row_of_another_merchant_can_not_be_stored(service: Connection) -> None:
    with service.transaction():
        service.execute("SELECT set_config('ontem.merchant', '2', true)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
            service.execute(AN_ORDER, (1, "forged"))


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM merchants",
        "SELECT * FROM api_keys",
        "SELECT * FROM imports",
        "DELETE FROM orders",
        "UPDATE evaluations SET score = 0",
        "UPDATE served_models SET name = 'mine'",
        "INSERT INTO generations (generation, system_identifier, timeline_id) VALUES (9, 1, 1)",
        "SELECT nextval('load_ids')",
        "TRUNCATE chargebacks",
        "CREATE TABLE mine ()",
        "DROP POLICY one_merchant ON orders",
        "SET ROLE ontem",
    ],
)
def test_what_it_may_not(service: Connection, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        service.execute(statement.encode())


def test_it_finds_the_merchant_of_a_key_that_it_was_sent(
    owner: Connection, service: Connection
) -> None:
    merchant = add_merchant(owner, "clara")
    key = issue_key(owner, merchant)

    assert authenticate(service, key) == merchant


def test_every_table_with_rows_of_merchants_is_bound(owner: Connection) -> None:
    """Also one that is added later; the service reads neither of the two that are left out."""
    tables = owner.execute(
        "SELECT relname::text, relrowsecurity AND relforcerowsecurity FROM pg_class c"
        " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'merchant_id'"
        " WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace"
    ).fetchall()

    assert len(tables) > 5
    assert {name for name, is_bound in tables if not is_bound} == {"merchants", "api_keys"}


def test_a_role_that_is_not_bound_is_told(owner: Connection, service: Connection) -> None:
    check_role(service)
    with pytest.raises(RoleRefused, match="as ontem, which owns the tables: name the role") as told:
        check_role(owner)
    named = set(re.findall("ONTEM_[A-Z_]+", str(told.value)))
    assert named == {"ONTEM_SERVICE_LOGIN", "ONTEM_POSTGRES_URL"}


def test_a_migration_takes_back_what_is_granted_beside_it(
    owner: Connection, service: Connection, database_url: str
) -> None:
    owner.execute("GRANT DELETE ON merchants TO ontem_service")

    migrate(database_url, environment="development")

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        service.execute("DELETE FROM merchants")
    service.execute("SELECT FROM orders")


def test_a_role_that_would_find_tables_empty_can_do_no_job(
    owner: Connection, database_url: str
) -> None:
    """Else a night would say that nothing is new, and be green."""
    url = with_login(database_url, service_login(database_url))
    with pytest.raises(RowsHidden, match="the role ontem_service does not see all rows of"):
        open_session(url, application_name="test")


@pytest.mark.parametrize("role", [None, "ontem_service"], ids=["no policy", "of another role"])
def test_after_a_restore_for_another_role_commands_stop_until_a_migration(
    owner: Connection, database_url: str, role: str | None
) -> None:
    owner.execute("DROP POLICY owner ON chargebacks")
    if role:
        owner.execute(f"CREATE POLICY owner ON chargebacks TO {role} USING (true)".encode())
    with pytest.raises(RowsHidden, match="all rows of the table chargebacks") as told:
        open_session(database_url, application_name="test")
    assert exit_code(told.value) == 3

    migrate(database_url, environment="development")

    open_session(database_url, application_name="test").close()
    roles = owner.execute(
        "SELECT polroles::regrole[]::text FROM pg_policy"
        " WHERE polname = 'owner' AND polrelid = 'chargebacks'::regclass"
    ).fetchall()
    assert roles == [("{ontem}",)]


def test_a_schema_that_was_dropped_and_made_again_is_open_to_the_service(
    owner: Connection, service: Connection, database_url: str
) -> None:
    owner.execute("DROP SCHEMA public CASCADE")
    owner.execute("CREATE SCHEMA public")

    migrate(database_url, environment="development")

    assert orders(service) == []


def test_a_server_without_the_role_is_migrated_and_gets_the_rights_later(tmp_path: Path) -> None:
    with own_stack() as stack:
        url, login = stack.variables["ONTEM_POSTGRES_URL"], stack.variables["ONTEM_SERVICE_LOGIN"]
        admin = with_login(url, f"postgres:{(stack.home / 'postgres-admin').read_text()}")
        with connect(admin, application_name="test", autocommit=True) as connection:
            connection.execute("DROP ROLE ontem_service")
        assert not migrate(url, environment="development")

        stack.up()
        assert migrate(url, environment="development")

        with connect(with_login(url, login), application_name="test") as connection:
            assert orders(connection) == []
