"""What a started Java writes to stderr arrives, all but one line of its own."""

import os
import subprocess
import sys
from contextlib import suppress

import pytest

from jobs.spark.banner import BANNER, without_java_banner

CHILD = "import os, sys; [os.write(2, part.encode('latin1')) for part in eval(sys.argv[1])]"


class JavaEnded(Exception):
    """What Spark raises when Java did not stay."""


def written(capfd: pytest.CaptureFixture[str], *parts: bytes) -> str:
    """What comes out of stderr when a child writes those parts, one write each, and ends."""
    texts = [part.decode("latin1") for part in parts]
    with suppress(JavaEnded), without_java_banner():
        subprocess.run([sys.executable, "-c", CHILD, repr(texts)], check=True)
        raise JavaEnded
    return capfd.readouterr().err


@pytest.mark.parametrize(
    "parts",
    [
        (b"before\n", BANNER, b"after, without an end"),
        (b"before\n" + BANNER[:20], BANNER[20:] + b"after, without an end"),
        (b"before\n", *(bytes([byte]) for byte in BANNER), b"after, ", b"without an end"),
    ],
    ids=["in one piece", "in two", "byte by byte"],
)
def test_the_banner_is_left_out_and_nothing_else(
    capfd: pytest.CaptureFixture[str], parts: tuple[bytes, ...]
) -> None:
    assert written(capfd, *parts) == "before\nafter, without an end"


def test_a_banner_that_is_not_there_holds_nothing_back(capfd: pytest.CaptureFixture[str]) -> None:
    assert written(capfd, b"one\n", BANNER[:-5], b"two") == f"one\n{BANNER[:-5].decode()}two"


def test_afterwards_this_process_writes_as_before(capfd: pytest.CaptureFixture[str]) -> None:
    with without_java_banner():
        pass
    os.write(2, BANNER)

    assert capfd.readouterr().err == BANNER.decode()
