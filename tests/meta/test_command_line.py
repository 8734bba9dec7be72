"""Every command is there, has help, and tells what went wrong in a sentence."""

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from features_pkg.errors import OntemError
from jobs.__main__ import EXIT_CODES
from ontem import cli
from ontem.cli import COMMANDS, Place, exit_code, main
from stores.errors import SettingsError


class _SomethingOfOurs(OntemError):
    pass


@click.command()
def fails_on_purpose():
    """Fail on purpose."""
    raise SettingsError(variable="ONTEM_REDIS_URL", value=None, remedy="set it")


@click.command()
def has_a_bug():
    """Have a bug."""
    raise ZeroDivisionError


@pytest.fixture
def run(monkeypatch):
    for name, attribute in [("fails", "fails_on_purpose"), ("bug", "has_a_bug")]:
        monkeypatch.setitem(cli.COMMANDS, name, Place(__name__, attribute, "Of this test."))
    return lambda *words: CliRunner().invoke(main, words)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_where_the_table_says_and_has_help(name):
    done = CliRunner().invoke(main, [name, "--help"])

    assert done.exit_code == 0, done.output
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
        "import sys; from ontem.cli import main; "
        "main(['--help'], standalone_mode=False); "
        "print([m for m in sys.modules if m.split('.')[0] in "
        "('pyspark', 'flask', 'redis', 'psycopg', 'numpy', 'jobs', 'service')])"
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


def test_a_bug_keeps_its_traceback(run):
    assert isinstance(run("bug").exception, ZeroDivisionError)


def test_an_error_without_a_code_of_its_own_has_its_bases():
    assert exit_code(_SomethingOfOurs("x")) == EXIT_CODES["features_pkg.errors.OntemError"]


def test_an_unknown_command_is_a_usage_error(run):
    assert run("nonsense").exit_code == 2
