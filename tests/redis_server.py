"""A Redis of one's own: with data that outlive a `kill -9`, or as a node of a cluster."""

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import redis

from ontem.stack.redis import _program

START_SECONDS = 30.0


def free_port() -> int:
    """A port below 10,000 above which a cluster's bus has its own, and nobody listens on either."""
    while True:
        with socket.socket() as one, socket.socket() as bus:
            one.bind(("127.0.0.1", 0))
            port: int = one.getsockname()[1]
            if port > 55_000:
                continue
            try:
                bus.bind(("127.0.0.1", port + 10_000))
            except OSError:
                continue
            return port


class RedisServer:
    """One process. What it has confirmed is in its append-only file."""

    def __init__(self, folder: Path, *options: str, port: int | None = None) -> None:
        self.folder, self.port, self._options = folder, port or free_port(), options
        folder.mkdir(parents=True)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it, and wait until it has read its data."""
        command = [
            _program(), "--port", f"{self.port}", "--bind", "127.0.0.1", "--save", "",
            "--appendonly", "yes", "--appendfsync", "everysec", "--dir", str(self.folder),
            "--logfile", "redis.log", *self._options,
        ]  # fmt: skip
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        until = time.monotonic() + START_SECONDS
        with redis.Redis.from_url(self.url) as client:
            while time.monotonic() < until:
                try:
                    client.ping()
                except redis.RedisError:
                    time.sleep(0.02)
                else:
                    return
        raise AssertionError((self.folder / "redis.log").read_text())

    def kill(self) -> None:
        """End it at once; nothing happens if somebody else has."""
        if self._process is not None:
            if self._process.poll() is None:
                os.kill(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def wait(self) -> None:
        """Wait until somebody has killed it."""
        assert self._process is not None
        self._process.wait(START_SECONDS)

    def remove(self) -> None:
        """End it, and remove its data."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
