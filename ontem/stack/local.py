"""The local stack of one project: its servers, their addresses, the variables that tell them."""

import fcntl
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ontem.stack import postgres, redis
from ontem.stack.errors import StackError
from ontem.stack.postgres import LocalPostgres
from ontem.stack.redis import LocalRedis
from ontem.stack.server import Address, ServerStatus, free_port, port_is_free
from ontem.stack.variables import fixed_variables, write_variables
from stores.settings import read_variables

Server = LocalPostgres | LocalRedis


@dataclass(frozen=True, slots=True)
class LocalStack:
    """A real PostgreSQL and a real Redis with their data below `.ontem` of one folder.

    A throw-away stack is for tests: it is quick and survives nothing; `remove` it at the end.
    """

    project_dir: Path
    throwaway: bool = False

    @property
    def home(self) -> Path:
        """The folder of all that the stack keeps."""
        return self.project_dir.resolve() / ".ontem"

    @property
    def variables(self) -> dict[str, str]:
        """What `.ontem/env` says: the stack's addresses and its entity key."""
        return read_variables(self.home / "env")

    def up(self) -> tuple[str, ...]:
        """Start what is down; a sentence for each server says what was done.

        Raises StackError when a server cannot be started.
        """
        self.home.mkdir(exist_ok=True)
        with self._alone():
            variables = fixed_variables(self.home, self.variables)
            (self.home / "storage").mkdir(exist_ok=True)
            sentences = [
                self._start("PostgreSQL", self._postgres, variables),
                self._start("Redis", self._redis, variables),
            ]
        return tuple(sentences)

    def down(self) -> None:
        """Stop both servers; their data stay. Nothing happens to a server that is down."""
        if self.home.is_dir():
            with self._alone():
                self._postgres.stop()
                self._redis.stop()

    def remove(self) -> None:
        """Stop both servers and remove all their data for good, and `.ontem/env` with its key."""
        if self.home.is_dir():
            with self._alone():
                self._postgres.remove()
                self._redis.remove()
                (self.home / "env").unlink(missing_ok=True)

    def status(self) -> tuple[ServerStatus, ...]:
        """Each server as it is now."""
        known = self.variables
        return (
            self._postgres.status(Address.of(known.get("ONTEM_POSTGRES_URL", ""))),
            self._redis.status(Address.of(known.get("ONTEM_REDIS_URL", ""))),
        )

    @property
    def _postgres(self) -> LocalPostgres:
        return LocalPostgres(self.home, self.throwaway)

    @property
    def _redis(self) -> LocalRedis:
        return LocalRedis(self.home, self.throwaway)

    def _start(self, name: str, server: Server, variables: dict[str, str]) -> str:
        """Have `server` up, keep its address in `variables` and `.ontem/env`, say what was done."""
        is_postgres = isinstance(server, LocalPostgres)
        variable = "ONTEM_POSTGRES_URL" if is_postgres else "ONTEM_REDIS_URL"
        known = Address.of(variables.get(variable, ""))
        if known is None:
            self._refuse_data_without_password(name, server)
        elif server.is_up(known):
            return f"{name} is already up on {known}."
        else:
            server.stop()  # one that lives but does not answer as ours, such as on another port
        address, remark = _address(known)
        url_of = postgres.url_of if is_postgres else redis.url_of
        variables[variable] = url_of(address)
        write_variables(self.home / "env", variables)  # first: data need their password
        server.start(address)
        return f"{name} is up on {address}{remark}."

    def _refuse_data_without_password(self, name: str, server: Server) -> None:
        if isinstance(server, LocalPostgres) and (server.link / "PG_VERSION").exists():
            raise StackError(
                f"{self.home / 'env'} no longer has the password of the {name} in {server.link}: "
                "put that line back, or start anew after `ontem down --erase`"
            )

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Only one `ontem` at a time starts and stops the servers of a project."""
        with (self.home / "stack.lock").open("w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _address(known: Address | None) -> tuple[Address, str]:
    """The remembered address while its port is free, else one on a free port, and why."""
    if known is None:
        return Address(free_port(), secrets.token_hex(16)), ""
    if port_is_free(known.port):
        return known, ""
    taken = f" (port {known.port} is taken by another program by now)"
    return Address(free_port(), known.password), taken
