import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import psycopg
import pytest

from features_pkg.identifiers import IDENTIFIERS
from jobs.exit_codes import REPEATED, exit_code
from stores.postgres.connection import PostgresUnavailable, connect
from stores.postgres.generations import MIGRATE_LOCK
from stores.postgres.migrate import OtherEnvironment, SchemaInUse, migrate

RESTORED = "UPDATE generations SET system_identifier = system_identifier + 1"


def test_a_second_migration_changes_nothing(empty_database_url: str) -> None:
    migrate(empty_database_url, environment="production")
    before = _everything(empty_database_url)

    migrate(empty_database_url, environment="production")

    assert _everything(empty_database_url) == before


@pytest.mark.parametrize("relation", ["orders", "chargeback_events"])
def test_an_order_and_its_chargeback_have_every_identifier(
    database_url: str, relation: str
) -> None:
    with connect(database_url, application_name="test") as connection:
        columns = connection.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass", [relation]
        ).fetchall()

    assert {(str(identifier),) for identifier in IDENTIFIERS} <= {*columns}


def test_migrations_at_the_same_time_wait_for_each_other(empty_database_url: str) -> None:
    failed: list[BaseException] = []

    def once() -> None:
        try:
            migrate(empty_database_url, environment="development")
        except BaseException as error:  # noqa: BLE001 - raised in the test's own thread
            failed.append(error)

    threads = [threading.Thread(target=once) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []
    with connect(empty_database_url, application_name="test") as connection:
        assert _one(connection, "SELECT count(*) FROM generations") == 1


def test_a_table_that_is_in_use_is_waited_for_only_as_long_as_orders_may_wait(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stores.postgres.migrate.LOCK_LIMIT", timedelta(milliseconds=100))
    with connect(database_url, application_name="an import") as other:
        other.execute("SET idle_in_transaction_session_timeout = '20s'")  # not to wait for ever
        other.execute("LOCK TABLE stack IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(SchemaInUse, match=r"for more than 0\.1 s") as refused:
            migrate(database_url, environment="development")

    assert exit_code(refused.value) in REPEATED
    migrate(database_url, environment="development")


def test_another_migration_is_waited_for_longer(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stores.postgres.migrate.LOCK_LIMIT", timedelta(milliseconds=1))
    with (
        connect(database_url, application_name="another migration") as other,
        ThreadPoolExecutor(1) as pool,
    ):
        other.execute("SELECT pg_advisory_xact_lock(%s)", [MIGRATE_LOCK])
        second = pool.submit(migrate, database_url, environment="development")
        longer = (
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'advisory'"
            " AND waitstart < clock_timestamp() - interval '50 ms'"
        )
        while not second.done() and not _one(other, longer):
            pass
        assert not second.done()
        other.rollback()
        second.result()


def test_another_server_is_a_new_generation(database_url: str) -> None:
    with connect(database_url, application_name="test") as connection:
        connection.execute(RESTORED)

    migrate(database_url, environment="development")
    migrate(database_url, environment="development")

    with connect(database_url, application_name="test") as connection:
        assert _one(connection, "SELECT array_agg(generation ORDER BY 1) FROM generations") == [
            1,
            2,
        ]
        assert _one(connection, "SELECT ontem_generation()") == 2


def test_rows_of_an_older_generation_sort_below_those_of_a_newer(database_url: str) -> None:
    with connect(database_url, application_name="test") as connection:
        older = _one(connection, "SELECT ontem_recorded_key(1::smallint, '281474976710655'::xid8)")
        newer = _one(connection, "SELECT ontem_recorded_key(2::smallint, '3'::xid8)")

    assert older < newer


def test_only_a_development_stack_has_a_clock_that_can_be_set(empty_database_url: str) -> None:
    migrate(empty_database_url, environment="production")

    assert _set_and_read(empty_database_url) - _real(empty_database_url) < timedelta(minutes=1)


def test_the_development_clock_says_what_the_session_set(database_url: str) -> None:
    assert _set_and_read(database_url).isoformat() == "2018-06-01T12:00:00+00:00"
    assert abs(_real(database_url) - _clock(database_url)) < timedelta(minutes=1)


def test_a_development_database_does_not_become_production(database_url: str) -> None:
    with pytest.raises(OtherEnvironment, match="set ONTEM_ENVIRONMENT=development"):
        migrate(database_url, environment="production")

    assert _set_and_read(database_url).year == 2018


def test_a_production_database_becomes_development_only_while_it_is_empty(
    empty_database_url: str,
) -> None:
    migrate(empty_database_url, environment="production")
    migrate(empty_database_url, environment="development")

    assert _set_and_read(empty_database_url).year == 2018


def test_a_production_database_with_orders_does_not_become_development(
    empty_database_url: str,
) -> None:
    migrate(empty_database_url, environment="production")
    with connect(empty_database_url, application_name="test") as connection:
        connection.execute(
            "INSERT INTO orders (merchant_id, order_id, evaluated_at, content_hash, amount_cents)"
            " VALUES (1, 'o', ontem_clock(), sha256('o'), 1)"
        )

    with pytest.raises(OtherEnvironment, match="migrated as production"):
        migrate(empty_database_url, environment="development")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE orders SET amount_cents = 0",
        "DELETE FROM orders",
        "TRUNCATE orders",
        "UPDATE chargebacks SET kind = 'reversal'",
        "DELETE FROM chargebacks",
        "DELETE FROM order_products",
        "DELETE FROM merchants",
    ],
)
def test_rows_of_what_happened_are_never_changed(database_url: str, statement: str) -> None:
    with (
        connect(database_url, application_name="test") as connection,
        pytest.raises(psycopg.errors.RestrictViolation, match="never changed"),
    ):
        connection.execute(statement)


def test_a_load_s_id_never_returns(database_url: str) -> None:
    load = (
        "INSERT INTO loads (as_of, cutoff, watermark, timelines, entity_key_id, revision,"
        " snapshot_id, metadata_location)"
        " VALUES ('2018-06-01', now(), '7', 't', 'k', 'r', 1, 'm') RETURNING load_id"
    )
    with connect(database_url, application_name="test") as connection:
        first = _one(connection, load)
        connection.rollback()
        second = _one(connection, load)

    assert second > first


def test_a_server_that_does_not_answer_is_named_by_its_address_without_the_password() -> None:
    with pytest.raises(PostgresUnavailable) as caught:
        connect("postgresql://ana:secret@127.0.0.1:1/orders", application_name="test")

    assert "127.0.0.1:1/orders" in str(caught.value)
    assert "ontem up" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_database_that_does_not_exist_is_named(database_url: str) -> None:
    with pytest.raises(PostgresUnavailable, match=r"no_such_database"):
        migrate(database_url.rsplit("/", 1)[0] + "/no_such_database", environment="development")


def _one(connection: psycopg.Connection[tuple[object, ...]], query: str):
    return connection.execute(query).fetchone()[0]


def _clock(url: str):
    with connect(url, application_name="test") as connection:
        return _one(connection, "SELECT ontem_clock()")


def _real(url: str):
    with connect(url, application_name="test") as connection:
        return _one(connection, "SELECT clock_timestamp()")


def _set_and_read(url: str):
    with connect(url, application_name="test") as connection:
        connection.execute("SET ontem.clock = '2018-06-01T12:00:00Z'")
        return _one(connection, "SELECT ontem_clock()")


def _everything(url: str) -> list[tuple[object, ...]]:
    with connect(url, application_name="test") as connection:
        objects = connection.execute(
            "SELECT oid::bigint, relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " UNION ALL SELECT oid::bigint, proname FROM pg_proc"
            " WHERE pronamespace = 'public'::regnamespace"
            " UNION ALL SELECT generation, registered_at::text FROM generations ORDER BY 1"
        )
        return objects.fetchall()
