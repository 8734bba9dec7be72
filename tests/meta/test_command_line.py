"""Every command exists, has help, and says what went wrong in a sentence."""

import importlib
import subprocess
import sys
from pathlib import Path

import click
import pytest
import redis
from click.testing import CliRunner

from features_pkg.errors import DefinitionError, OntemError
from jobs.__main__ import main as jobs_main
from jobs.exit_codes import EXIT_CODES, exit_code
from jobs.lazy_group import CommandEntry
from ontem import cli
from ontem.cli import COMMANDS, main
from service.worker.worker import BULK_WAITING, HEALTH_THREADS, HEALTH_WAITING
from stores.errors import SettingsError
from stores.postgres.api_keys import KEY_CACHE_SECONDS
from stores.redis.errors import ListDamaged
from stores.redis.load_list import ListUnreadable

PROJECT = Path(__file__).resolve().parents[2]


class _SomethingOfOurs(OntemError):
    pass


@click.command()
def fails_on_purpose():
    """Fail on purpose."""
    raise SettingsError(variable="ONTEM_REDIS_URL", value=None, remedy="set it")


@click.command()
def loses_redis():
    """Lose Redis."""
    raise redis.ConnectionError("Connection closed by server.")


@click.command()
def has_a_bug():
    """Have a bug."""
    raise ZeroDivisionError


@pytest.fixture
def run(monkeypatch):
    commands = {"fails": "fails_on_purpose", "loses": "loses_redis", "bug": "has_a_bug"}
    for name, attribute in commands.items():
        monkeypatch.setitem(cli.COMMANDS, name, CommandEntry(__name__, attribute, "Of this test."))
    return lambda *words: CliRunner().invoke(main, words)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_where_the_table_says_and_has_help(name):
    done = CliRunner().invoke(main, [name, "--help"])

    assert done.exit_code == 0, done.output


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_says_of_a_command_what_its_own_help_begins_with(name):
    command = main.get_command(click.Context(main), name)

    assert COMMANDS[name].help == command.help.splitlines()[0]
    assert COMMANDS[name].help.endswith(".")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_of_every_command_has_help(name):
    context = click.Context(main)
    waiting = [main.get_command(context, name)]
    while waiting:
        command = waiting.pop()
        assert command.help, command.name
        for option in command.params:
            assert not isinstance(option, click.Option) or option.help, option.name
        waiting += getattr(command, "commands", {}).values()


def test_help_lists_every_command_and_imports_none():
    program = (
        "import sys; from ontem.cli import COMMANDS, main; "
        "main(['--help'], standalone_mode=False); "
        "print([m for m in sys.modules if m.split('.')[0] in "
        "('pyspark', 'flask', 'redis', 'psycopg', 'numpy', 'features_pkg', 'stores', 'service') "
        "or m in {entry.module for entry in COMMANDS.values()}])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )

    assert done.stdout.splitlines()[-1] == "[]", done.stderr
    assert all(f"  {name} " in done.stdout for name in COMMANDS)


def test_an_error_of_ours_is_one_sentence_and_an_exit_code(run):
    done = run("fails")

    assert done.stderr == "ontem: ONTEM_REDIS_URL is not set: set it\n"
    assert done.exit_code == EXIT_CODES["stores.errors.SettingsError"]


def test_an_error_of_a_library_is_one_sentence_and_an_exit_code(run):
    done = run("loses")

    assert done.stderr.startswith("ontem: Redis did not finish a command (Connection closed by ")
    assert done.exit_code == 4


def test_a_bug_keeps_its_traceback(run):
    assert isinstance(run("bug").exception, ZeroDivisionError)


def test_an_error_without_a_code_of_its_own_has_its_base_s():
    assert exit_code(_SomethingOfOurs("x")) == EXIT_CODES["features_pkg.errors.OntemError"]


@pytest.mark.parametrize(
    "error",
    [
        DefinitionError("card_orders_7w_recent", "not a window"),
        ListUnreadable("the list is damaged"),
        ListDamaged(key=b"o:0123:4567:{1}loads"),
    ],
)
def test_what_is_damaged_or_undefined_ends_a_command_with_a_sentence(error):
    assert exit_code(error)


def test_a_bug_has_no_exit_code_of_ours():
    assert exit_code(ZeroDivisionError()) is None


@pytest.mark.parametrize("name", EXIT_CODES)
def test_every_error_in_the_table_of_exit_codes_exists(name):
    module, _, error = name.rpartition(".")

    assert issubclass(getattr(importlib.import_module(module), error), OntemError)


def test_a_job_says_what_is_wrong_as_the_command_does(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for variable in ("ONTEM_POSTGRES_URL", "ONTEM_REDIS_URL", "ONTEM_STORAGE_URL"):
        monkeypatch.delenv(variable, raising=False)

    done, same = (CliRunner().invoke(each, ["snapshots"]) for each in (jobs_main, main))

    assert (done.stderr, done.exit_code) == (same.stderr, same.exit_code)
    assert done.stderr.startswith("ontem: ONTEM_POSTGRES_URL is not set")


def test_the_page_of_the_api_says_how_soon_a_revoked_key_is_refused():
    page = (PROJECT / "docs" / "api.md").read_text(encoding="utf-8")

    assert f"within {KEY_CACHE_SECONDS} seconds" in " ".join(page.split())


def test_an_unknown_command_is_a_usage_error(run):
    assert run("nonsense").exit_code == 2


def test_the_page_says_how_many_requests_may_wait_that_no_buyer_waits_for():
    page = (PROJECT / "docs" / "api.md").read_text(encoding="utf-8")
    words = {2: "two", 4: "four"}

    assert (
        f"of batches, chargebacks and explanations {words[BULK_WAITING]}, "
        f"of those [about health](#health) {HEALTH_WAITING})"
    ) in page
    assert f"{words[HEALTH_THREADS]} threads of their own in each process" in page
    assert f"Of more than {HEALTH_WAITING} requests that wait" in page
