"""What the entry point of PostgreSQL's image does before it becomes the server.

It makes the data, and runs the scripts of /docker-entrypoint-initdb.d as a superuser on a server of
the same data that listens on a socket only. Here that server is the one that stays.
"""

import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

DATA = "18/docker"
"""Where the image of PostgreSQL 18 has its data, in its volume."""


def start(
    words: Sequence[str], options: Mapping[str, Any], port: int, scripts: Sequence[Path]
) -> list[str]:
    """The command of the server, for data that are there then."""
    volume, environ = Path(options["cwd"]), options["env"]
    data = volume / DATA
    own = ["-D", str(data), "-p", str(port), "-c", f"unix_socket_directories={volume}"]
    server = [*words, *own, "-c", "fsync=off"]  # the test's disk need not survive a crash
    if not data.exists():
        _initialise(data, options)
        temporary = [*server, "-c", "listen_addresses="]
        _run(["pg_ctl", "start", "-w", "-s", "-D", str(data), "-l", "/dev/null", "-o",
              shlex.join(temporary[1:])], options)  # fmt: skip
        socket = {"PGHOST": str(volume), "PGPORT": str(port)}
        for script in scripts:
            _run([str(script)], {**options, "env": {**environ, **socket}})
        _run(["pg_ctl", "stop", "-w", "-s", "-m", "fast", "-D", str(data)], options)
    return server


def _initialise(data: Path, options: Mapping[str, Any]) -> None:
    environ = options["env"]
    _run(["mkdir", "-p", str(data)], options)
    _run(
        ["initdb", "-D", str(data), "--no-sync", f"--username={environ['POSTGRES_USER']}",
         f"--pwfile={environ['POSTGRES_PASSWORD_FILE']}", "--auth-host=scram-sha-256",
         *shlex.split(environ["POSTGRES_INITDB_ARGS"])],
        options,
    )  # fmt: skip


def _run(words: list[str], options: Mapping[str, Any]) -> None:
    done = subprocess.run(words, capture_output=True, check=False, **options)
    assert done.returncode == 0, (words, done.stdout, done.stderr)
