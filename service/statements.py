"""The statements of the service: templates that are filled in once, and prepared by sessions."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, LiteralString

import psycopg

from features_pkg import queries
from stores.postgres.connection import Connection

Row = tuple[Any, ...]
_SET_MERCHANT: Final[LiteralString] = "SELECT set_config('ontem.merchant', $1, true)"


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with PostgreSQL's own `$1`, `$2`, …, and the names of those values in order."""

    text: str
    names: tuple[str, ...] = ()


def prepare(template: str, *values: str, **structure: object) -> Statement:
    """The statement of a query template, with one parameter for each of `values` that it uses.

    A value is one parameter however often the template uses it. The placeholders are PostgreSQL's
    own, because psycopg would otherwise look for its placeholders in each request (ADR 4).
    `structure` is what the template loops over.
    """
    text, parameters = queries.with_parameters(
        template, {**{name: name for name in values}, **structure}
    )
    names: list[str] = []

    def numbered(placeholder: re.Match[str]) -> str:
        name = str(parameters[placeholder[1]])
        if name not in names:
            names.append(name)
        return f"${names.index(name) + 1}"

    text = re.sub(r"%\((\w+)\)s", numbered, text)
    return Statement(text.replace("%%", "%"), tuple(names))


def rows(connection: Connection, statement: Statement, values: Mapping[str, object]) -> list[Row]:
    """The rows of a statement about one merchant, whose rows are all that it can see.

    The merchant is set in the same round trip and for the same transaction, so that neither the
    next request nor another client of a pooler ever has it. Raises psycopg.Error.
    """
    merchant = [str(values["merchant_id"])]
    parameters = [values[name] for name in statement.names]
    cursor = psycopg.RawCursor(connection)
    with connection.pipeline():
        psycopg.RawCursor(connection).execute(_SET_MERCHANT, merchant, prepare=True)
        cursor.execute(statement.text.encode(), parameters, prepare=True, binary=True)
    return cursor.fetchall()
