"""Errors of the libraries below a command: a sentence for what a person can put right."""

import errno
import importlib

import psycopg
import pytest
import redis
from redis.exceptions import RedisClusterException
from sqlalchemy.exc import ProgrammingError

from jobs.library_errors import SENTENCES, ending

SENTENCE = {
    "schema": psycopg.errors.UndefinedTable('relation "orders" does not exist\nLINE 1: SELECT'),
    "older schema": psycopg.errors.UndefinedColumn('column "cutoff" does not exist'),
    "right": psycopg.errors.InsufficientPrivilege("permission denied for table orders"),
    "read-only": psycopg.errors.ReadOnlySqlTransaction("cannot execute INSERT"),
    "server gone": psycopg.errors.AdminShutdown("terminating connection"),
    "lock": psycopg.errors.LockNotAvailable("canceling statement due to lock timeout"),
    "redis": redis.ConnectionError("Connection closed by server."),
    "redis's own": redis.ResponseError("WRONGTYPE Operation against a key"),
    "redis cluster": RedisClusterException("Slot 5 is not covered by the cluster."),
    "redis time-out": redis.TimeoutError("Timeout reading from socket"),
    "file": FileNotFoundError(errno.ENOENT, "No such file or directory", "orders.csv"),
    "right to a file": PermissionError(errno.EACCES, "Permission denied", b"/x"),
    "disk": OSError(errno.ENOSPC, "No space left on device"),
}
BUGS = (
    ZeroDivisionError(),
    ValueError("x"),
    psycopg.errors.SyntaxError("syntax error"),
    psycopg.errors.UniqueViolation("Key (order_id)=(ana@example.com)"),
)


@pytest.mark.parametrize("error", SENTENCE.values(), ids=SENTENCE)
def test_what_a_person_can_put_right_is_a_sentence_that_says_how(error: Exception) -> None:
    end = ending(error)

    assert end is not None
    assert end.exit_code in (1, 4)
    assert ": " in end.sentence
    assert "\n" not in end.sentence


@pytest.mark.parametrize("error", BUGS, ids=lambda error: type(error).__name__)
def test_a_bug_has_no_sentence(error: Exception) -> None:
    assert ending(error) is None


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("AWS Error NETWORK_CONNECTION during ListObjectsV2 operation: curlCode: 7", 4),
        ("AWS Error SLOW_DOWN during PutObject operation: Please reduce your request rate", 4),
        ("AWS Error UNKNOWN (HTTP status 503) during PutObject operation: no body", 4),
        ("AWS Error ACCESS_DENIED during PutObject operation: Access Denied", 1),
        ("AWS Error UNKNOWN (HTTP status 400) during HeadObject operation", 1),
    ],
)
def test_a_request_to_s3_fails_for_now_or_for_good(said: str, code: int) -> None:
    end = ending(OSError(f"When listing objects under key 'x' in bucket 'b': {said}"))

    assert end is not None
    assert end.exit_code == code


def test_a_database_without_schema_asks_for_migrate() -> None:
    end = ending(psycopg.errors.UndefinedTable("x"))

    assert end is not None
    assert "`ontem migrate`" in end.sentence


def test_the_lines_after_the_first_are_not_repeated_because_they_may_hold_values() -> None:
    end = ending(psycopg.OperationalError("the server is gone\nCONTEXT: COPY staged, ana@x.com"))

    assert end is not None
    assert "ana@x.com" not in end.sentence


def test_a_file_without_a_name_or_a_number_is_a_sentence() -> None:
    end = ending(OSError("Couldn't deserialize thrift"))

    assert end is not None
    assert "Couldn't deserialize thrift" in end.sentence


def test_the_reader_of_our_output_may_leave() -> None:
    assert ending(BrokenPipeError(errno.EPIPE, "Broken pipe")) is None


@pytest.mark.parametrize("name", SENTENCES)
def test_every_error_in_the_table_exists(name: str) -> None:
    module, _, error = name.rpartition(".")

    assert issubclass(getattr(importlib.import_module(module), error), Exception)


def test_what_sqlalchemy_wraps_is_said_as_the_driver_says_it() -> None:
    missing = psycopg.errors.UndefinedTable('relation "iceberg_tables" does not exist')

    assert ending(ProgrammingError("SELECT", {}, missing)) == ending(missing)
    assert ending(ProgrammingError("SELECT", {}, psycopg.errors.SyntaxError("a bug"))) is None
