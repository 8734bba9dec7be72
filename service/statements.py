"""The statements of the service: templates that are filled in once, and prepared by sessions."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from features_pkg import queries
from stores.postgres.pipelined import PipelinedConnection, Query, Row, Sent

_SET_MERCHANT: Final = b"SELECT set_config('ontem.merchant', $1, true)"


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with PostgreSQL's own `$1`, `$2`, …, and the names of those values in order."""

    text: bytes
    names: tuple[str, ...] = ()

    def query(self, values: Mapping[str, object]) -> Query:
        """The statement with its values, of which there may be more."""
        return Query(self.text, [values[name] for name in self.names])


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
    return Statement(text.replace("%%", "%").encode(), tuple(names))


def send(
    connection: PipelinedConnection, statement: Statement, values: Mapping[str, object]
) -> Sent:
    """Send a statement about one merchant, whose rows are all that it can see.

    The merchant is set in the same round trip and for the same transaction, so that neither the
    next request nor another client of a pooler ever has it. Raises psycopg.Error.
    """
    return connection.send(*queries_of(statement, values))


def queries_of(statement: Statement, values: Mapping[str, object]) -> tuple[Query, Query]:
    """What sets the merchant, and the statement; to be sent together."""
    return Query(_SET_MERCHANT, [str(values["merchant_id"])]), statement.query(values)


def rows(
    connection: PipelinedConnection, statement: Statement, values: Mapping[str, object]
) -> list[Row]:
    """The rows of such a statement. Raises psycopg.Error."""
    return send(connection, statement, values).rows()
