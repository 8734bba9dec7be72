"""The local stack: what `ontem up`, `down` and `status` promise."""

import os
import signal
import socket
import stat
import time
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from ontem.stack import LocalStack
from ontem.stack.errors import StackError
from ontem.stack.server import Address
from ontem.variables import model_keys, write_variables


@pytest.fixture
def stack(tmp_path):
    stack = LocalStack(tmp_path, throwaway=True)
    yield stack
    stack.remove()


@pytest.fixture
def durable_stack(tmp_path):
    stack = LocalStack(tmp_path)
    yield stack
    stack.remove()


def _postgres(stack):
    return psycopg.connect(stack.variables["ONTEM_POSTGRES_URL"], autocommit=True)


def _redis(stack):
    return redis.Redis.from_url(stack.variables["ONTEM_REDIS_URL"], decode_responses=True)


def _port(stack, variable):
    return Address.of(stack.variables[variable]).port


def _postgres_pid(stack):
    return int((stack.home / "postgres" / "postmaster.pid").read_text().split()[0])


def _is_gone(pid):
    """Also true of a zombie, whose exit code is not fetched in a container without an init."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _kill(pid):
    os.kill(pid, signal.SIGKILL)
    until = time.monotonic() + 60
    while not _is_gone(pid):
        assert time.monotonic() < until
        time.sleep(0.01)


def test_up_says_what_it_started_and_a_second_time_what_is_up(stack):
    first, second = stack.up(), stack.up()

    assert [line.split(" on ")[0] for line in first] == ["PostgreSQL is up", "Redis is up"]
    assert [line.split(" on ")[0] for line in second] == [
        "PostgreSQL is already up",
        "Redis is already up",
    ]


def test_data_addresses_and_the_entity_key_survive_down_and_up(durable_stack):
    stack = durable_stack
    stack.up()
    before = stack.variables
    with _postgres(stack) as connection, _redis(stack) as client:
        connection.execute("CREATE TABLE answers AS SELECT 42 AS answer")
        client.set("answer", "42")
    stack.down()

    stack.up()

    assert stack.variables == before
    with _postgres(stack) as connection, _redis(stack) as client:
        assert connection.execute("SELECT answer FROM answers").fetchone() == (42,)
        assert client.get("answer") == "42"


def test_servers_that_were_killed_start_again_with_their_data(durable_stack):
    stack = durable_stack
    stack.up()
    with _postgres(stack) as connection, _redis(stack) as client:
        connection.execute("CREATE TABLE answers AS SELECT 42 AS answer")
        redis_pid = client.info("server")["process_id"]
    _kill(_postgres_pid(stack))
    _kill(redis_pid)
    assert [server.is_up for server in stack.status()] == [False, False]

    stack.up()

    with _postgres(stack) as connection:
        assert connection.execute("SELECT answer FROM answers").fetchone() == (42,)
    assert [server.is_up for server in stack.status()] == [True, True]


def test_a_pid_file_that_names_another_program_is_ignored(stack):
    stack.up()
    stack.down()
    ours = str(os.getpid())
    (stack.home / "postgres" / "postmaster.pid").write_text(f"{ours}\n", encoding="ascii")
    (stack.home / "redis" / "redis.pid").write_text(f"{ours}\n", encoding="ascii")

    stack.up()

    assert [server.is_up for server in stack.status()] == [True, True]


def test_a_port_that_another_program_uses_is_replaced_and_up_says_so(stack):
    stack.up()
    taken = _port(stack, "ONTEM_POSTGRES_URL")
    stack.down()
    with socket.create_server(("127.0.0.1", taken)):
        sentence, _ = stack.up()

        assert f"port {taken} is taken by another program" in sentence
        assert _port(stack, "ONTEM_POSTGRES_URL") != taken
        assert stack.status()[0].is_up


def test_a_stack_that_was_never_started_is_down(tmp_path):
    found = LocalStack(tmp_path).status()

    assert [(server.server, server.is_up, server.address) for server in found] == [
        ("PostgreSQL", False, "-"),
        ("Redis", False, "-"),
    ]


def test_status_shows_versions_and_sizes(stack):
    stack.up()
    postgres, redis_server = stack.status()

    assert postgres.version.startswith("18.")
    assert redis_server.version
    assert postgres.data_bytes > 1_000_000


def test_down_of_a_stack_that_is_down_does_nothing(stack):
    stack.down()
    stack.up()
    stack.down()
    stack.down()

    assert not any(server.is_up for server in stack.status())


def test_a_stack_below_a_folder_that_only_its_owner_may_enter_works(tmp_path):
    home = tmp_path / "home"
    (home / "project").mkdir(parents=True)
    home.chmod(0o700)
    stack = LocalStack(home / "project", throwaway=True)
    try:
        stack.up()

        assert all(server.is_up for server in stack.status())
    finally:
        stack.remove()


def test_only_its_owner_may_read_the_variables_of_the_stack(stack):
    stack.up()

    assert stat.S_IMODE((stack.home / "env").stat().st_mode) == 0o600


def test_a_line_that_a_person_added_stays(stack):
    stack.up()
    with (stack.home / "env").open("a", encoding="utf-8") as file:
        file.write("BUSINESS_TIMEZONE=America/Manaus\n")
    stack.down()

    stack.up()

    assert stack.variables["BUSINESS_TIMEZONE"] == "America/Manaus"


def test_a_stack_of_an_older_version_gets_keys_for_models_and_keeps_all_else(stack):
    stack.up()
    first = stack.variables
    older = {name: value for name, value in first.items() if "ONTEM_MODEL" not in name}
    write_variables(stack.home / "env", older)

    stack.up()  # its servers are up, so only the lines are missing

    keys = {name: value for name, value in stack.variables.items() if name not in older}
    assert stack.variables == older | keys
    seed = bytes.fromhex(keys["ONTEM_MODEL_SIGNING_KEY"])
    assert keys == model_keys(seed)
    assert keys != {name: first[name] for name in keys}


def test_data_whose_password_is_lost_are_not_overwritten(stack):
    stack.up()
    stack.down()
    (stack.home / "env").unlink()

    with pytest.raises(StackError, match="no longer has the password"):
        stack.up()


def test_remove_leaves_neither_server_nor_data(stack):
    stack.up()
    folder = (stack.home / "postgres").resolve()
    pid = _postgres_pid(stack)
    (stack.home / "storage" / "manifest.json").touch()

    stack.remove()

    assert _is_gone(pid)
    assert not folder.exists()
    assert not Path(stack.home / "redis").exists()
    assert not Path(stack.home / "storage").exists()
    assert stack.variables == {}
