"""`ontem migrate` brings the database of the settings up to date."""

import psycopg
import pytest
from click.testing import CliRunner

from ontem.cli import main


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
    return lambda: CliRunner(env=environ).invoke(main, ["migrate"])


def test_migrate_makes_the_schema_and_a_second_time_changes_nothing(run, empty_database_url):
    first, second = run(), run()

    assert (first.exit_code, second.exit_code) == (0, 0), first.output + second.output
    with psycopg.connect(empty_database_url) as connection:
        assert connection.execute("SELECT environment FROM stack").fetchall() == [("development",)]


def test_migrate_does_not_show_the_password(run, empty_database_url):
    password = psycopg.conninfo.conninfo_to_dict(empty_database_url)["password"]

    assert password not in run().output
