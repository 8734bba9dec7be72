"""PgBouncer in front of the tests' PostgreSQL, for a service that is to run behind a pooler."""

import atexit
import os
import shutil
import socket
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

_SETTINGS = """
[databases]
* = host={host} port={port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen_port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {folder}/users
pool_mode = transaction
default_pool_size = 3
max_prepared_statements = 200
ignore_startup_parameters = options
server_connect_timeout = 1
server_login_retry = 0.1
"""


def pooler_is_asked_for() -> bool:
    """Whether services of the tests reach PostgreSQL through PgBouncer."""
    return os.environ.get("ONTEM_TEST_PGBOUNCER") == "1"


@cache
def pooler_port(host: str, port: int, login: str) -> int:
    """The port of a PgBouncer before that server; it runs until this process ends."""
    folder = Path(tempfile.mkdtemp(prefix="pgbouncer-"))
    folder.chmod(0o755)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        listen_port = free.getsockname()[1]
    role, _, password = login.partition(":")
    (folder / "users").write_text(f'"{role}" "{password}"\n', encoding="ascii")
    settings = _SETTINGS.format(host=host, port=port, listen_port=listen_port, folder=folder)
    (folder / "settings").write_text(settings, encoding="ascii")
    with (folder / "log").open("wb") as log:
        pooler = subprocess.Popen(["pgbouncer", str(folder / "settings")], stderr=log, stdout=log)
    atexit.register(pooler.wait)
    atexit.register(pooler.terminate)
    return listen_port


def through_pooler(url: str, login: str) -> str:
    """`url` with a PgBouncer in the place of its server; `login` is the user's, if not in `url`."""
    parts = urlsplit(url)
    login = login or f"{parts.username}:{parts.password}"
    port = pooler_port(parts.hostname or "", parts.port or 0, login)
    return parts._replace(netloc=f"{parts.netloc.rpartition(':')[0]}:{port}").geturl()
