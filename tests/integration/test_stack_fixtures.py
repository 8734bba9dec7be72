"""The servers of the fixtures are as their docstrings say."""

import psycopg
import redis


def test_a_test_has_a_migrated_database_of_its_own(database_url):
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM orders").fetchone() == (0,)


def test_a_database_uses_utf8_and_utc(empty_database_url):
    with psycopg.connect(empty_database_url) as connection:
        found = connection.execute(
            "SELECT current_setting('server_encoding'), current_setting('timezone'), "
            "datlocprovider, datlocale FROM pg_database WHERE datname = current_database()"
        ).fetchone()

    assert found == ("UTF8", "UTC", "b", "C.UTF-8")


def test_our_role_is_not_a_superuser(empty_database_url):
    with psycopg.connect(empty_database_url) as connection:
        query = "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
        assert connection.execute(query).fetchone() == (False,)


def test_a_test_has_an_empty_redis_that_never_evicts(redis_url):
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        assert client.dbsize() == 0
        assert client.info("memory")["maxmemory_policy"] == "noeviction"


def test_spark_workers_run_the_interpreter_of_the_tests(spark):
    rows = spark.range(1).mapInArrow(lambda batches: batches, "id long").collect()

    assert [row.id for row in rows] == [0]
