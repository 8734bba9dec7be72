"""Commands on a database without a schema, and on one that is on another server by now."""

from collections.abc import Callable, Iterator

import psycopg
import pytest
from click.testing import CliRunner, Result

from jobs.errors import ConnectorMissing
from ontem.cli import COMMANDS, main
from stores.postgres.connection import connect
from stores.postgres.generations import (
    OtherServer,
    StandbyRefused,
    check_server,
    register_failover,
)
from stores.postgres.migrate import migrate
from stores.postgres.schema import SchemaRefused, check_schema, newest_revision
from tests.failover import promote, restart_as_standby
from tests.servers import own_stack

WITHOUT_DATABASE = {
    "up", "down", "status", "migrate", "generate", "train", "models", "demo", "compose", "emr",
    "features",
}  # fmt: skip
"""Commands that need no schema, make their own, or run others that are tried here."""

COMMAND_LINES = {
    "merchant create": ["merchant", "create", "loja"],
    "merchant policy": ["merchant", "policy", "loja"],
    "merchant rotate": ["merchant", "rotate", "loja"],
    "merchant keys": ["merchant", "keys", "loja"],
    "merchant revoke": ["merchant", "revoke", "loja", "3f1c"],
    "merchant list": ["merchant", "list"],
    "chargeback": ["chargeback", "a-1", "--merchant", "loja"],
    "import": ["import", "orders.csv", "--merchant", "loja"],
    "night": ["night", "--as-of", "2018-06-01"],
    "nights": ["nights"],
    "extract": ["extract"],
    "publish": ["publish"],
    "unpublish": ["unpublish"],
    "snapshots": ["snapshots"],
    "store restore": ["store", "restore"],
    "store clean": ["store", "clean"],
    "training-set": ["training-set", "--from", "2018-05-01", "--to", "2018-06-01"],
    "retrain": ["retrain", "--from", "2018-05-01", "--to", "2018-06-01"],
    "trial check": ["trial", "check", "card_orders_24h_recent", "--question", "is it there?"],
    "trial journal": ["trial", "journal"],
}
RESTORED = "UPDATE generations SET system_identifier = system_identifier + 1"
FAILED_OVER = "UPDATE generations SET timeline_id = timeline_id - 1"


@pytest.fixture
def run(redis_url, storage_url, tmp_path, monkeypatch) -> Callable[[str, str], Result]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("jobs.spark.session.session", without_spark)
    (tmp_path / "orders.csv").write_text("order_id,event_at,amount\n1,2018-05-20T12:00:00Z,1.00\n")
    environ = {
        "ONTEM_ENVIRONMENT": "development",
        "ONTEM_REDIS_URL": redis_url,
        "ONTEM_STORAGE_URL": storage_url,
        "ONTEM_ENTITY_KEY": "0a" * 32,
    }
    return lambda command, url: CliRunner(env={**environ, "ONTEM_POSTGRES_URL": url}).invoke(
        main, COMMAND_LINES[command]
    )


def without_spark(*_: object) -> None:
    """In this process a job would take the Spark of the other tests, and stop it at its end."""
    raise ConnectorMissing(folder="here")


def test_every_command_that_needs_the_schema_is_tried_here():
    tried = {line[0] for line in COMMAND_LINES.values()} | {"serve"}  # tests/e2e/test_start.py

    assert tried | WITHOUT_DATABASE == set(COMMANDS)


@pytest.mark.parametrize("command", COMMAND_LINES)
def test_without_a_schema_every_command_names_the_one_to_run(run, command, empty_database_url):
    done = run(command, empty_database_url)

    assert "has no schema: run `ontem migrate`\n" in done.output
    assert (done.exit_code, done.output.count("Traceback")) == (4, 0)
    assert _password(empty_database_url) not in done.output


@pytest.mark.parametrize("change", [RESTORED, FAILED_OVER], ids=["restored", "failed over"])
@pytest.mark.parametrize("command", COMMAND_LINES)
def test_on_another_server_every_command_stops_until_migrate_has_run(
    run, command, change, database_url
):
    _execute(database_url, change)
    done = run(command, database_url)

    assert "its rows were recorded by system" in done.output
    assert "run `ontem migrate`\n" in done.output
    assert (done.exit_code, done.output.count("Traceback")) == (4, 0)
    assert _rows(database_url, "SELECT count(*) FROM orders") == [(0,)]
    migrate(database_url, environment="development")
    assert "ontem migrate" not in run(command, database_url).output


def test_the_newest_revision_is_the_one_that_migrate_makes(database_url):
    assert _rows(database_url, "SELECT version_num FROM alembic_version") == [(newest_revision(),)]


@pytest.mark.parametrize(
    ("revision", "remedy"), [("0000", "run `ontem migrate`"), ("9999", "update Ontem here")]
)
def test_another_revision_of_the_schema_is_refused(database_url, revision, remedy):
    _execute(database_url, f"UPDATE alembic_version SET version_num = '{revision}'")

    with (
        connect(database_url, application_name="test") as connection,
        pytest.raises(SchemaRefused, match=f"revision {revision}.*{remedy}"),
    ):
        check_schema(connection, "here")


def test_only_a_later_timeline_of_the_same_system_is_a_failover(database_url):
    with connect(database_url, application_name="test") as connection:
        assert register_failover(connection, "here") == 1
        for change in (RESTORED, "UPDATE generations SET timeline_id = timeline_id + 1"):
            with connection.transaction(force_rollback=True):
                connection.execute(change.encode())
                with pytest.raises(OtherServer):
                    register_failover(connection, "here")
        connection.execute(FAILED_OVER)
        assert register_failover(connection, "here") == 2
        assert register_failover(connection, "here") == 2


@pytest.fixture
def failed_over_url() -> Iterator[tuple[str, Callable[[], None]]]:
    """The database of a stack of its own that is a standby, and what promotes it."""
    with own_stack() as stack:
        url = stack.variables["ONTEM_POSTGRES_URL"]
        migrate(url, environment="development")
        restart_as_standby(stack)
        yield url, lambda: promote(stack)


def test_a_standby_is_refused_and_its_promotion_noticed_at_once(failed_over_url):
    url, promote_it = failed_over_url
    with connect(url, application_name="test") as connection, pytest.raises(StandbyRefused):
        check_server(connection, "here")

    promote_it()

    with connect(url, application_name="test") as connection:
        with pytest.raises(OtherServer) as refusal:
            check_server(connection, "here")
        assert refusal.value.is_failover
        assert register_failover(connection, "here") == 2


def _execute(url: str, statement: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(statement.encode())


def _rows(url: str, query: str):
    with psycopg.connect(url) as connection:
        return connection.execute(query.encode()).fetchall()


def _password(url: str) -> str:
    return str(psycopg.conninfo.conninfo_to_dict(url)["password"])
