"""docs/your-own-orders.md does what it says: its commands run as somebody copies them."""

from __future__ import annotations

import os
import signal
import socket
import struct
import subprocess
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from features_pkg.definitions.feature_set import FeatureSet
from stores.postgres.connection import connect
from stores.settings import read_variables
from tests.e2e.fresh_checkout import PROJECT, environ_of_a_newcomer, fresh_checkout
from tests.e2e.page_shell import Block, Terminal, blocks_of, is_as_shown
from tests.e2e.running import TIMEOUT_SECONDS

PAGE = PROJECT / "docs" / "your-own-orders.md"
SERVE, STOP, ADDRESS = "ontem serve\n", "ontem down\n", "localhost:8080"


@dataclass(slots=True)
class Walk:
    """What one walk through the page showed."""

    printed: list[tuple[Block, str]] = field(default_factory=list)
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By order id, the stored score and decision, and the features."""
    exit_of_service: int | None = None
    left: set[str] = field(default_factory=set)
    """What is new in the folder at the end."""


@pytest.fixture(scope="module")
def walk() -> Walk:
    """The whole page, in a checkout of its own."""
    walk = Walk()
    with fresh_checkout() as folder, socket.create_server(("127.0.0.1", 0)) as listening:
        before = files_of(folder)
        follow_page(walk, folder, listening)
        walk.left = files_of(folder) - before
    return walk


def follow_page(walk: Walk, folder: Path, listening: socket.socket) -> None:
    """Run the blocks in order: that of the service in a second terminal, all others in one."""
    port = listening.getsockname()[1]
    log, service = folder.parent / "service.log", None
    terminal = Terminal(folder, environ_of_a_newcomer())
    try:
        for block in blocks_of(PAGE.read_text(encoding="utf-8")):
            if block.commands.endswith(SERVE):
                service = second_terminal(block.commands, folder, listening, log)
                served = block
                continue
            if service and block.commands == STOP:
                walk.orders = stored_orders(folder)
                walk.exit_of_service = stop(service)
                walk.printed.append((served, log.read_text(encoding="utf-8").split("\n")[0]))
            commands = block.commands.replace(ADDRESS, f"127.0.0.1:{port}")
            walk.printed.append((block, terminal.run(commands)))
    finally:
        terminal.close()
        if service:
            stop(service)


def second_terminal(
    commands: str, folder: Path, listening: socket.socket, log: Path
) -> subprocess.Popen[bytes]:
    """The service as the page starts it, but on a socket that listens already.

    So no port is guessed, and a request that comes early waits.
    """
    bind = f"--bind fd://{listening.fileno()}"
    with log.open("wb") as output:
        return subprocess.Popen(
            ["bash", "-ec", commands.replace(SERVE, f"exec ontem serve {bind}\n")],
            cwd=folder, env=environ_of_a_newcomer(), stdin=subprocess.DEVNULL, stdout=output,
            stderr=output, pass_fds=(listening.fileno(),), start_new_session=True,
        )  # fmt: skip


def stop(service: subprocess.Popen[bytes]) -> int:
    """Press Ctrl-C in the terminal of the service; its exit code."""
    if service.poll() is None:
        os.killpg(service.pid, signal.SIGINT)
    return service.wait(TIMEOUT_SECONDS)


def stored_orders(folder: Path) -> dict[str, dict[str, Any]]:
    """What the service stored of each order, by order id."""
    names = FeatureSet("America/Sao_Paulo", timedelta(hours=4)).names
    url = read_variables(folder / ".ontem" / "env")["ONTEM_POSTGRES_URL"]
    with connect(url, application_name="tests") as connection:
        rows = connection.execute("SELECT order_id, score, decision, vector FROM evaluations")
        return {
            order_id: {"score": score, "decision": decision}
            | dict(zip(names, struct.unpack(f"<{len(names)}d", vector), strict=True))
            for order_id, score, decision, vector in rows.fetchall()
        }


def files_of(folder: Path) -> set[str]:
    """The files of a checkout that git would show as new."""
    inside = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {
        str(path) for path in inside
        if path.parts[0] not in {".ontem", ".venv"} and "__pycache__" not in path.parts
    }  # fmt: skip


@pytest.mark.slow
def test_every_command_prints_what_the_page_shows(walk: Walk) -> None:
    other = [
        f"{block.commands}prints\n{printed}\nand the page shows\n{block.shown}"
        for block, printed in walk.printed
        if block.shown is not None and not is_as_shown(block.shown, printed)
    ]

    assert not other, "\n\n".join(other)


def test_the_page_ends_with_scored_orders(walk: Walk) -> None:
    assert sorted(walk.orders) == ["L-1", "L-2"]
    for order in walk.orders.values():
        assert 0 <= order["score"] <= 1
        assert order["decision"] in {"allow", "review", "block"}


@pytest.mark.parametrize("identifier", ["card", "document"])
def test_the_next_night_counts_the_chargeback_that_was_told_by_hand(
    walk: Walk, identifier: str
) -> None:
    name = f"{identifier}_chargebacks_ever_distant"

    assert (walk.orders["L-1"][name], walk.orders["L-2"][name]) == (0, 1)
    assert walk.orders["L-2"]["score"] > walk.orders["L-1"]["score"]


def test_the_service_ends_by_ctrl_c_and_nothing_is_left_in_the_checkout(walk: Walk) -> None:
    assert walk.exit_of_service == 0
    assert walk.left == set()


@pytest.mark.parametrize(
    ("shown", "printed", "is_same"),
    [
        ("at 2026-01-01T10:00:00Z: 3 rows\n", "at 2018-06-01T23:59:59.5+00:00: 3 rows\n", True),
        ("3 rows in 1.5 s, … more", "3 rows in 20.25 s, 7 more", True),
        ("3 rows", "4 rows", False),
        ("one\ntwo", "one", False),
        ("a…c", "ab\nc", False),
    ],
)
def test_an_output_may_differ_only_in_what_varies(shown: str, printed: str, is_same: bool) -> None:  # noqa: FBT001
    assert is_as_shown(shown, printed) is is_same


def test_an_output_belongs_to_the_commands_above_it() -> None:
    page = "```sh\na\n```\n```text\nA\n```\nwords\n```sh\nb\n```\n```sh\nc\n```\n```json\n{}\n```\n"

    assert blocks_of(page) == [Block("a\n", "A\n"), Block("b\n", None), Block("c\n", "{}\n")]
