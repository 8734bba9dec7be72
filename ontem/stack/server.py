"""What the two servers of the local stack have in common."""

import socket
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psutil

HOST = "127.0.0.1"
START_SECONDS = 60.0
"""A server that recovers from a crash may need this long."""


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """One line of `ontem status`."""

    server: str
    is_up: bool
    address: str
    version: str
    data_bytes: int


@dataclass(frozen=True, slots=True)
class Address:
    """Where one server listens, and the password it asks for."""

    port: int
    password: str

    @classmethod
    def of(cls, url: str) -> "Address | None":
        """The address in a URL that this stack wrote; None for any other text."""
        try:
            parts = urlsplit(url)
            if parts.hostname != HOST or parts.port is None or not parts.password:
                return None
        except ValueError:
            return None
        return cls(parts.port, parts.password)

    def __str__(self) -> str:
        return f"{HOST}:{self.port}"


def port_is_free(port: int) -> bool:
    """Whether a server could listen on that loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port


def process_of(pid_file: Path, *, inside: Path) -> psutil.Process | None:
    """The process that `pid_file` names, if it is alive and works in the folder `inside`.

    After a crash or a reboot another program may have the same process id; the folder tells.
    """
    try:
        process = psutil.Process(int(pid_file.read_text(encoding="ascii").split()[0]))
        return process if Path(process.cwd()) == inside.resolve() else None
    except (OSError, ValueError, IndexError, psutil.Error):
        return None


def folder_bytes(folder: Path) -> int:
    """The size of all files below `folder`; a file that vanishes meanwhile counts as empty."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += 0 if path.is_symlink() or path.is_dir() else path.stat().st_size
        except OSError:
            continue
    return total
