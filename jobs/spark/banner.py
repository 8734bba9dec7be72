"""Starts Java without the line that it writes about a module that Spark always adds."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

BANNER: Final = b"WARNING: Using incubator modules: jdk.incubator.vector\n"
FLUSH_SECONDS: Final = 5.0
STDERR: Final = 2


@contextmanager
def without_java_banner() -> Iterator[None]:
    """Java, if it starts inside, writes everything but its banner to stderr.

    No option of Java turns the banner off. So Java gets a pipe as its stderr for as long as it
    lives, and a thread copies to the real stderr at once what comes through the pipe.
    """
    source, sink = os.pipe()
    target = os.dup(STDERR)
    os.dup2(sink, STDERR)
    os.close(sink)
    thread = threading.Thread(target=_hand_on, args=(source, target), daemon=True)
    thread.start()
    try:
        yield
    except BaseException:
        os.dup2(target, STDERR)
        thread.join(FLUSH_SECONDS)  # what Java said before it ended is the reason
        raise
    os.dup2(target, STDERR)


def _hand_on(source: int, target: int) -> None:
    """Copy bytes, without the first banner, until every writer has closed the pipe."""
    waiting, banner_to_come = b"", True
    while chunk := os.read(source, 65_536):
        waiting += chunk
        if banner_to_come and BANNER in waiting:
            waiting, banner_to_come = waiting.replace(BANNER, b"", 1), False
        begun = _begun_banner(waiting) if banner_to_come else 0
        ready, waiting = waiting[: len(waiting) - begun], waiting[len(waiting) - begun :]
        _write(target, ready)
    _write(target, waiting)


def _begun_banner(content: bytes) -> int:
    """How many bytes at the end of `content` are the first ones of a banner."""
    longest = min(len(content), len(BANNER) - 1)
    return next((n for n in range(longest, 0, -1) if content.endswith(BANNER[:n])), 0)


def _write(target: int, content: bytes) -> None:
    while content:
        content = content[os.write(target, content) :]
