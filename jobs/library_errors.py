"""What a command says of the errors of the libraries it stands on: the one table of sentences."""

import errno
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple


class Ending(NamedTuple):
    """How a command ends: with a sentence and an exit code."""

    sentence: str
    exit_code: int


def ending(error: Exception) -> Ending | None:
    """How a command ends after an error of a store or a file; None for a bug."""
    if isinstance(error, BrokenPipeError):
        return None  # the reader of our output has left, as `head` does: click ends without a word
    names = (f"{base.__module__}.{base.__qualname__}" for base in type(error).__mro__)
    say = next((SENTENCES[name] for name in names if name in SENTENCES), None)
    return None if say is None else say(error)


def _no_schema(_: Exception) -> Ending:
    return Ending(
        "the database has no schema, or one of another version of Ontem: run `ontem migrate`", 1
    )


def _no_privilege(error: Exception) -> Ending:
    return Ending(
        f"PostgreSQL refused a statement ({_first_line(error)}): "
        "grant it to the role of ONTEM_POSTGRES_URL, or set the URL to another role",
        1,
    )


def _postgres(error: Exception) -> Ending:
    return Ending(
        f"PostgreSQL did not finish a statement ({_first_line(error)}): {_log_remedy()}, "
        "then run the same command again",
        4,
    )


def _redis(error: Exception) -> Ending:
    return Ending(
        f"Redis did not finish a command ({_first_line(error)}): {_log_remedy()}, "
        "then run the same command again",
        4,
    )


def _log_remedy() -> str:
    from stores.checkout import log_remedy  # here, so that help imports nothing

    return log_remedy()


def _wrapped(error: Exception) -> Ending | None:
    """SQLAlchemy, through which the catalogue of the offline store is read, wraps the driver's."""
    driver_error = getattr(error, "orig", None)
    return ending(driver_error) if isinstance(driver_error, Exception) else None


def _operating_system(error: Exception) -> Ending:
    from stores.offline.errors import s3_can_pass

    if s3_can_pass(error):
        again = "look whether S3 answers, then run the same command again"
        return Ending(f"S3 did not finish a request ({_first_line(error)}): {again}", 4)
    number, reason, file = (
        getattr(error, name, None) for name in ("errno", "strerror", "filename")
    )
    remedy = OS_REMEDIES.get(number, "run the same command again when that is put right")
    return Ending(
        f"{'' if file is None else _name(file) + ': '}{reason or _first_line(error)}: {remedy}", 1
    )


OS_REMEDIES: Final[Mapping[int | None, str]] = MappingProxyType(
    {
        errno.ENOENT: "name a file or a folder that exists",
        errno.EACCES: "give this user the right to it, or name another file",
        errno.EPERM: "give this user the right to it, or name another file",
        errno.EROFS: "name a file on a disk that can be written",
        errno.EISDIR: "name a file, not a folder",
        errno.ENOTDIR: "name a file whose folder is a folder",
        errno.ENOSPC: "free some space, then run the same command again",
        errno.EDQUOT: "free some space, then run the same command again",
    }
)
SENTENCES: Final[Mapping[str, Callable[[Exception], Ending | None]]] = MappingProxyType(
    {
        "psycopg.errors.UndefinedTable": _no_schema,
        "psycopg.errors.UndefinedColumn": _no_schema,
        "psycopg.errors.UndefinedFunction": _no_schema,
        "psycopg.errors.InsufficientPrivilege": _no_privilege,
        "psycopg.errors.ReadOnlySqlTransaction": _postgres,
        "psycopg.errors.IdleInTransactionSessionTimeout": _postgres,
        "psycopg.errors.TransactionTimeout": _postgres,
        "psycopg.errors.DataCorrupted": _postgres,
        "psycopg.errors.InternalError_": _postgres,
        "psycopg.OperationalError": _postgres,
        "sqlalchemy.exc.DBAPIError": _wrapped,
        "redis.exceptions.RedisError": _redis,
        "redis.exceptions.RedisClusterException": _redis,
        "builtins.OSError": _operating_system,
    }
)
"""By the error's full name, so that no library is imported for the table. What is not here, such
as a statement that PostgreSQL does not understand, is a bug and keeps its traceback."""


def _first_line(error: Exception) -> str:
    """The first line of a driver's text: those after it may hold values of a row."""
    lines = str(error).splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__


def _name(filename: object) -> str:
    return filename.decode(errors="replace") if isinstance(filename, bytes) else str(filename)
