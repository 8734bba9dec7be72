"""`ontem demo serve` says in a sentence why it does not serve."""

import os
import socket
import subprocess
import sys

import psycopg
import pytest

from ontem.demo.folder import DATABASE, DemoFolder
from ontem.stack import LocalStack


@pytest.fixture
def demo(tmp_path):
    """A demo that looks finished, and whose Redis has no snapshot."""
    stack = LocalStack(tmp_path, throwaway=True)
    stack.up()
    demo = DemoFolder(tmp_path)
    demo.start_over({})
    demo.report_file.write_text("{}", encoding="utf-8")
    yield demo
    stack.remove()


def serve(demo, address):
    """The end of a command that does not come to serve."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("ONTEM_")}
    return subprocess.run(
        [sys.executable, "-m", "ontem", "demo", "serve", "--bind", address],
        cwd=demo.project, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        check=False, timeout=120,
    )  # fmt: skip


def test_a_night_that_fails_ends_the_command_with_what_to_do(demo):
    stack = LocalStack(demo.project).variables
    with psycopg.connect(stack["ONTEM_POSTGRES_URL"], autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {DATABASE}")

    done = serve(demo, "127.0.0.1:0")

    night, sentence = done.stderr.splitlines()
    assert done.returncode == 1
    assert f'database "{DATABASE}" does not exist' in night
    assert "ended with exit code 3 and said above why: mend that" in sentence


def test_a_busy_port_is_told_before_anything_is_started(demo):
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        done = serve(demo, address)

    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.startswith(f"ontem: the service can't listen on {address} (")


def test_the_folder_of_a_demo_is_closed_to_others(demo):
    """It gets the orders as they came, with their buyers' identifiers."""
    assert demo.path.stat().st_mode & 0o077 == 0
