"""Who may enter the stack: the superuser, Ontem's role, and the system user of PostgreSQL."""

import os
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

import psycopg
import pytest

from ontem.stack import LocalStack, account
from ontem.stack.errors import StackError
from ontem.stack.server import Address
from stores.urls import with_login

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def stack(tmp_path):
    stack = LocalStack(tmp_path, throwaway=True)
    yield stack
    stack.remove()


def test_the_superuser_has_a_password_of_its_own_that_only_its_owner_may_read(stack):
    stack.up()
    address = Address.of(stack.variables["ONTEM_POSTGRES_URL"])
    file = stack.home / "postgres-admin"
    server = {"host": "127.0.0.1", "port": address.port, "dbname": "postgres", "user": "postgres"}

    with psycopg.connect(**server, password=file.read_text()) as connection:
        query = "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
        assert connection.execute(query).fetchone() == (True,)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(**server, password=address.password)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_start_that_was_interrupted_before_the_role_was_made_makes_it(stack):
    stack.up()
    address = Address.of(stack.variables["ONTEM_POSTGRES_URL"])
    password = (stack.home / "postgres-admin").read_text()
    server = {"host": "127.0.0.1", "port": address.port, "dbname": "postgres", "user": "postgres"}
    with psycopg.connect(**server, password=password, autocommit=True) as connection:
        connection.execute("DROP DATABASE ontem")
        connection.execute("DROP ROLE ontem, ontem_service")
    assert not stack.status()[0].is_up

    stack.up()

    assert stack.status()[0].is_up
    login = stack.variables["ONTEM_SERVICE_LOGIN"]
    psycopg.connect(with_login(stack.variables["ONTEM_POSTGRES_URL"], login)).close()


def test_a_login_of_the_service_that_was_lost_is_replaced(stack):
    stack.up()
    env = stack.home / "env"
    lines = env.read_text().splitlines(keepends=True)
    env.write_text("".join(line for line in lines if not line.startswith("ONTEM_SERVICE_LOGIN")))

    stack.up()

    login = stack.variables["ONTEM_SERVICE_LOGIN"]
    psycopg.connect(with_login(stack.variables["ONTEM_POSTGRES_URL"], login)).close()


def test_a_password_that_is_not_the_role_s_is_told(stack):
    stack.up()
    stack.down()
    env = stack.home / "env"
    password = Address.of(stack.variables["ONTEM_POSTGRES_URL"]).password
    env.write_text(env.read_text().replace(password, "other"))

    with pytest.raises(StackError, match="does not take the password of ONTEM_POSTGRES_URL"):
        stack.up()


def test_a_umask_that_closes_everything_does_not_close_the_stack(monkeypatch):
    """As root, what a system user has to enter is opened again; also the copy of the binaries."""
    folder = Path(tempfile.mkdtemp(prefix="ontem-umask-"))
    folder.chmod(0o755)
    monkeypatch.setattr(account, "SYSTEM_FOLDER", folder / "ontem")
    stack = LocalStack(folder / "João da Silva, 50%", throwaway=True)
    umask = os.umask(0o077)
    try:
        stack.project_dir.mkdir()
        stack.up()

        assert all(server.is_up for server in stack.status())
    finally:
        os.umask(umask)
        stack.remove()
        shutil.rmtree(folder)


def test_the_roles_that_compose_makes(stack, tmp_path):
    """The script of the image, run against a server that has neither roles nor database."""
    stack.up()
    port = str(Address.of(stack.variables["ONTEM_POSTGRES_URL"]).port)
    admin = (stack.home / "postgres-admin").read_text()
    server = {"host": "127.0.0.1", "port": port, "dbname": "postgres", "user": "postgres"}
    with psycopg.connect(**server, password=admin, autocommit=True) as connection:
        connection.execute("DROP DATABASE ontem")
        connection.execute("DROP ROLE ontem, ontem_service")
    files = {name: tmp_path / name for name in ("password", "service")}
    variables = {
        "PATH": f"{account.binaries()}:{os.environ['PATH']}",
        "PGHOST": "127.0.0.1", "PGPORT": port, "PGPASSWORD": admin,
        "POSTGRES_USER": "postgres", "ONTEM_POSTGRES_PASSWORD_FILE": str(files["password"]),
        "ONTEM_SERVICE_PASSWORD_FILE": str(files["service"]),
        "ONTEM_SERVICE_ROLE_FILE": str(PROJECT / "sql" / "service_role.sql"),
    }  # fmt: skip
    script = [PROJECT / "deploy" / "postgres-role.sh"]
    passwords = {"password": 'it\'s \\ "long" $HOME', "service": "o'ther \\ one"}

    for name, password in passwords.items():  # each is missing, then empty, then right
        assert subprocess.run(script, env=variables, check=False).returncode != 0
        files[name].write_text("")
        assert subprocess.run(script, env=variables, check=False).returncode != 0
        files[name].write_text(password)
    subprocess.run(script, env=variables, check=True)

    owner = {**server, "user": "ontem", "dbname": "ontem", "password": passwords["password"]}
    with psycopg.connect(**owner) as connection:
        query = "SELECT rolsuper, rolcreatedb FROM pg_roles WHERE rolname = current_user"
        assert connection.execute(query).fetchone() == (False, True)
        connection.execute("CREATE TABLE own ()")
    service = {**owner, "user": "ontem_service", "password": passwords["service"]}
    with psycopg.connect(**service) as connection:
        assert connection.execute("SHOW plan_cache_mode").fetchone() == ("force_generic_plan",)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE TABLE own ()")
