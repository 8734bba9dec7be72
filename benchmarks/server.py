"""Servers that are measured, each a process of its own."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from benchmarks.warm_stack import PROJECT, WarmStack

SERVE: Final = (sys.executable, "-m", "ontem", "serve", "--bind")
SERVE_ECHO: Final = (sys.executable, "-m", "benchmarks.echo")
SERVE_BEFORE: Final = (sys.executable, "-m", "benchmarks.before_service", "serve", "--bind")
ENVIRON: Final = {
    "PYTHONPATH": str(PROJECT),
    "ONTEM_LOG_LEVEL": "INFO",
    # Each answer is a whole one, whose time counts however long it took on a busy machine.
    "ONTEM_DEADLINE_MS": "10000",
    "ONTEM_STATEMENT_TIMEOUT_MS": "10000",
}


@contextmanager
def process(stack: WarmStack, words: Sequence[str], **variables: str) -> Iterator[int]:
    """The port of a server process, which inherits its listening socket."""
    with server(stack, words, **variables) as (port, _):
        yield port


@contextmanager
def server(
    stack: WarmStack, words: Sequence[str], **variables: str
) -> Iterator[tuple[int, "subprocess.Popen[bytes]"]]:
    """The port and the process of a server."""
    # As gunicorn's own: in a shorter queue a connection is lost that comes while the server is held
    # up, and its client tries again after a second.
    with socket.create_server(("127.0.0.1", 0), backlog=2_048) as listening:
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        os.set_inheritable(listening.fileno(), True)
        port = listening.getsockname()[1]
        running = subprocess.Popen(
            [*words, f"fd://{listening.fileno()}"],
            cwd=stack.folder,
            env=stack.environ | ENVIRON | variables,
            pass_fds=(listening.fileno(),),
            stdout=subprocess.DEVNULL,
        )
    try:
        yield port, running
    finally:
        running.terminate()
        running.wait(30)
