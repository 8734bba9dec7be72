"""The local stack of one project: its servers, and the variables that name them."""

import fcntl
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ontem.stack.errors import StackError
from ontem.stack.postgres import LocalPostgres
from ontem.stack.redis import LocalRedis
from ontem.stack.server import Address, ServerStatus, free_port, port_is_free
from ontem.variables import fixed_variables, write_variables
from stores.postgres.service_role import SERVICE_ROLE
from stores.settings import read_variables

Server = LocalPostgres | LocalRedis


@dataclass(frozen=True, slots=True)
class LocalStack:
    """A real PostgreSQL and a real Redis with their data below `.ontem` of one folder.

    A throw-away stack is for tests: it starts quickly and its data survive no crash. `remove` it at
    the end.
    """

    project_dir: Path
    throwaway: bool = False

    @property
    def home(self) -> Path:
        """The folder that has all files of the stack."""
        return self.project_dir.resolve() / ".ontem"

    @property
    def variables(self) -> dict[str, str]:
        """The variables in `.ontem/env`: the stack's addresses and its entity key."""
        return read_variables(self.home / "env")

    def up(self) -> tuple[str, ...]:
        """Start the servers that are down; a sentence for each says what was done.

        Raises StackError when a server cannot be started.
        """
        self.home.mkdir(exist_ok=True)
        with self._locked():
            variables = fixed_variables((self.home / "storage").as_uri(), self.variables)
            (self.home / "storage").mkdir(exist_ok=True)
            sentences = [
                self._start(self._postgres, variables),
                self._start(self._redis, variables),
            ]
            self._make_service_role(variables)
            if variables != self.variables:  # a stack of an older version lacks some
                write_variables(self.home / "env", variables)
        return tuple(sentences)

    def down(self) -> None:
        """Stop both servers; their data stay. Nothing happens to a server that is down."""
        if self.home.is_dir():
            with self._locked():
                self._postgres.stop()
                self._redis.stop()

    def remove(self) -> None:
        """Stop both servers and remove for good their data, the offline store and `.ontem/env`."""
        if self.home.is_dir():
            with self._locked():
                self._postgres.remove()
                self._redis.remove()
                shutil.rmtree(self.home / "storage", ignore_errors=True)  # made from those data
                (self.home / "env").unlink(missing_ok=True)

    def status(self) -> tuple[ServerStatus, ...]:
        """The state of each server now."""
        known = self.variables
        return (
            self._postgres.status(Address.of(known.get(LocalPostgres.variable, ""))),
            self._redis.status(Address.of(known.get(LocalRedis.variable, ""))),
        )

    @property
    def _postgres(self) -> LocalPostgres:
        return LocalPostgres(self.home, self.throwaway)

    @property
    def _redis(self) -> LocalRedis:
        return LocalRedis(self.home, self.throwaway)

    def _start(self, server: Server, variables: dict[str, str]) -> str:
        """Start `server` unless it is up, and note its address in `variables` and `.ontem/env`."""
        known = Address.of(variables.get(server.variable, ""))
        if known is None and server.data_need_password:
            raise StackError(
                f"{self.home / 'env'} no longer has the password of {server.name}, whose data are "
                f"in {self.home}: put the line {server.variable}=… back, or start anew after "
                "`ontem down --erase`"
            )
        if known is not None:
            if server.is_up(known):
                return f"{server.name} is already up on {known}."
            server.stop()  # one that runs but does not answer there, such as on another port
        address, remark = _free_address(known)
        variables[server.variable] = server.url(address)
        write_variables(self.home / "env", variables)  # first: data are useless without it
        server.start(address)
        return f"{server.name} is up on {address}{remark}."

    def _make_service_role(self, variables: dict[str, str]) -> None:
        """Have the service's role on the server that is up, and its login in `variables`."""
        address = Address.of(variables[LocalPostgres.variable])
        assert address is not None  # noqa: S101  the server was started there
        _, _, known = variables.get(LocalPostgres.login_variable, "").partition(":")
        password = known or secrets.token_hex(16)
        variables[LocalPostgres.login_variable] = f"{SERVICE_ROLE}:{password}"
        self._postgres.make_service_role(address, password)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Inside, no other `ontem` starts or stops the servers of this project."""
        with (self.home / "stack.lock").open("w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _free_address(known: Address | None) -> tuple[Address, str]:
    """The known address if its port is free, else one on a free port; and a remark that says so."""
    if known is None:
        return Address(free_port(), secrets.token_hex(16)), ""
    if port_is_free(known.port):
        return known, ""
    remark = f" (port {known.port} is taken by another program by now)"
    return Address(free_port(), known.password), remark
