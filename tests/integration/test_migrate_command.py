"""`ontem migrate` brings the database of the settings up to date."""

import psycopg
import pytest
from click.testing import CliRunner

from ontem.cli import main
from stores.urls import with_login


@pytest.fixture
def run(empty_database_url, redis_url, storage_url, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    environ = {
        "ONTEM_ENVIRONMENT": "development",
        "ONTEM_POSTGRES_URL": empty_database_url,
        "ONTEM_REDIS_URL": redis_url,
        "ONTEM_STORAGE_URL": storage_url,
        "ONTEM_ENTITY_KEY": "0a" * 32,
    }
    (tmp_path / "orders.csv").write_text("order_id,event_at,amount_cents\n")
    return lambda *words, **others: CliRunner(env=environ | others).invoke(
        main, words or ["migrate"]
    )


def test_migrate_makes_the_schema_and_a_second_time_changes_nothing(run, empty_database_url):
    first, second = run(), run()

    assert (first.exit_code, second.exit_code) == (0, 0), first.output + second.output
    with psycopg.connect(empty_database_url) as connection:
        assert connection.execute("SELECT environment FROM stack").fetchall() == [("development",)]


def test_migrate_does_not_show_the_password(run, empty_database_url):
    password = psycopg.conninfo.conninfo_to_dict(empty_database_url)["password"]

    assert password not in run().output


@pytest.mark.parametrize("command", ["migrate", "merchant list", "nights"])
def test_a_login_that_is_refused_is_a_setting_to_put_right(run, empty_database_url, command):
    """A schedule would try in vain again and again."""
    done = run(*command.split(), ONTEM_POSTGRES_URL=with_login(empty_database_url, "ontem:wrong"))

    assert (done.exit_code, len(done.stderr.splitlines())) == (3, 1)
    assert 'refuses the login (password authentication failed for user "ontem"): put' in done.stderr
    assert "wrong" not in done.output


def test_migrate_on_a_read_only_database_is_a_sentence(run, empty_database_url):
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        name = psycopg.sql.Identifier(connection.info.dbname)
        connection.execute(
            psycopg.sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(name)
        )

    done = run()
    assert (done.exit_code, len(done.stderr.splitlines())) == (4, 1)
    assert "in a read-only transaction" in done.stderr


@pytest.mark.parametrize(
    "command",
    [
        "merchant list",
        "merchant create shop",
        "merchant policy shop",
        "import orders.csv --merchant shop",
        "night --as-of 2018-06-01",
        "nights",
        "extract",
        "snapshots",
        "publish",
        "training-set --from 2018-05-01 --to 2018-06-01",
    ],
)
def test_every_command_on_a_database_without_schema_says_what_to_run(run, command):
    done = run(*command.split())

    assert "run `ontem migrate`" in done.output
    assert (done.exit_code, len(done.stderr.splitlines())) == (4, 1)


@pytest.mark.parametrize(
    "change",
    ["DROP COLUMN migrations_id", "ALTER migrations_id SET DEFAULT 'x', DROP COLUMN card_key_id"],
    ids=["before it was recorded", "by other statements"],
)
def test_a_schema_of_this_revision_that_other_statements_made_is_a_sentence(
    run, empty_database_url, change
):
    """Migrations change until they are released; what an earlier form of them made is refused."""
    run()
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute("UPDATE stack SET migrations_id = 'another'")
        connection.execute(f"ALTER TABLE stack {change}")

    for words in (("migrate",), ("merchant", "list"), ("night", "--as-of", "2018-06-01")):
        done = run(*words)

        assert (done.exit_code, len(done.stderr.splitlines())) == (4, 1)
        assert "has schema revision 0001, but not as this program's migrations" in done.stderr
        assert "migrate an empty one" in done.stderr


def test_a_server_without_the_service_s_role_is_told(run, monkeypatch):
    assert "has no role" not in run().output
    monkeypatch.setattr("stores.postgres.migrate.SERVICE_ROLE", "nobody")

    done = run()

    assert done.exit_code == 0
    assert "has no role ontem_service, as which the service enters: run sql/" in done.output


@pytest.mark.parametrize(
    ("revision", "state"),
    [
        ("9999", "which is newer than this program's 0001: update Ontem here"),
        ("0000", "which no migration of this program begins at: set ONTEM_POSTGRES_URL to another"),
    ],
)
def test_the_schema_of_another_program_is_a_sentence(run, empty_database_url, revision, state):
    run()
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute("UPDATE alembic_version SET version_num = %s", (revision,))

    done = run()

    assert (done.exit_code, len(done.stderr.splitlines())) == (4, 1)
    assert f"has schema revision {revision}, {state}" in done.stderr
