"""Connections whose prepared statements are sent together, and answered later.

It is libpq's pipeline by psycopg's lower level, which converts values and rows as its cursors do.
"""

from collections.abc import Sequence
from itertools import count
from typing import Any, Final, NamedTuple

import psycopg
from psycopg import generators, pq
from psycopg.abc import Buffer, PQGen
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq.abc import PGconn, PGresult
from psycopg.waiting import WAIT_R

from stores.postgres.bounded import BoundedConnection, DeadlineMet, ends_session

Row = tuple[Any, ...]
Prepared = tuple[bytes, tuple[int, ...]]
"""What is prepared: a statement's text, for values of these types."""
_DONE: Final = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK)
_SYNC: Final = pq.ExecStatus.PIPELINE_SYNC


class Query(NamedTuple):
    """A statement with PostgreSQL's own placeholders `$1`, `$2`, …, and their values in order."""

    text: bytes
    values: Sequence[object]


class _Dumped(NamedTuple):
    """A query as it goes over the wire."""

    prepared: Prepared
    values: Sequence[Buffer | None]
    formats: Sequence[pq.Format]


class PipelinedConnection(BoundedConnection):
    """A connection that prepares each statement once, by a name.

    It does so in the protocol, which a pooler can follow. `prepare_threshold` must be None: psycopg
    would have the server forget, after a rollback, all that is prepared.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.transformer = Transformer(self)
        self.names: dict[Prepared, bytes] = {}
        """Of what the server is known to have prepared."""
        self._numbers = count()
        self.is_overdue = False
        """Whether an answer was not there in time, so that nobody takes it any more."""

    def send(self, *queries: Query) -> "Sent":
        """Send queries that run in one transaction; the rows of the last one will be the answer.

        Until that is taken, the connection can't be used. Raises psycopg.Error.
        """
        dumped = [self._dumped(query) for query in queries]
        sent = Sent(self)
        try:
            self.pgconn.enter_pipeline_mode()
            for query in dumped:
                self._send(query, sent)
            self.pgconn.pipeline_sync()
            if self.pgconn.flush():
                self.wait(generators.send(self.pgconn))
        except BaseException:
            self.close()  # what is sent already can't be taken back
            raise
        return sent

    def drop_answer(self) -> bool:
        """Take what is there of an overdue answer; whether it was all, and it is overdue no more.

        It never waits. Raises psycopg.Error if the connection is of no more use.
        """
        ended = 0
        self.pgconn.consume_input()
        while not self.pgconn.is_busy():
            result = self.pgconn.get_result()
            if result is None:  # after the result of each query
                ended += 1
                if ended > 1:
                    raise psycopg.OperationalError("the rest of the answer is lost")
                continue
            ended = 0
            if result.status == _SYNC:
                self.pgconn.exit_pipeline_mode()
                self.is_overdue = False
                return True
            if result.status not in _DONE and ends_session(error := error_from_result(result)):
                raise error
        return False

    def _dumped(self, query: Query) -> _Dumped:
        transformer = self.transformer
        values = transformer.dump_sequence(query.values, [PyFormat.AUTO] * len(query.values))
        return _Dumped((query.text, transformer.types or ()), values, transformer.formats or ())

    def _send(self, query: _Dumped, sent: "Sent") -> None:
        name = self.names.get(query.prepared)
        if name is None:
            name = f"ontem_{next(self._numbers)}".encode()
            self.pgconn.send_prepare(name, *query.prepared)
            sent.preparations.append((query.prepared, name))
        self.pgconn.send_query_prepared(name, query.values, query.formats, pq.Format.BINARY)
        sent.preparations.append(None)


class Sent:
    """Queries that were sent together, and whose answers were not taken yet."""

    def __init__(self, connection: PipelinedConnection) -> None:
        self._connection = connection
        self.preparations: list[tuple[Prepared, bytes] | None] = []
        """For each result to come, what is then prepared, and by which name; None for a query's."""

    def rows(self, *, keep_overdue: bool = False) -> list[Row]:
        """The rows of the last query. The answers are read to their end, also after an error.

        A connection of which that can't be done is closed. With `keep_overdue` one that does not
        answer in time stays open, for `drop_answer` and nothing else. Raises psycopg.Error.
        """
        connection = self._connection
        try:
            results = connection.wait_in_time(_results(connection.pgconn))
            connection.pgconn.exit_pipeline_mode()
        except BaseException as error:
            if keep_overdue and isinstance(error, DeadlineMet):
                connection.is_overdue = True
                raise
            connection.close()
            raise
        for result, preparation in zip(results, self.preparations, strict=True):
            if result.status not in _DONE:
                raise error_from_result(result)
            if preparation is not None:
                prepared, name = preparation
                connection.names[prepared] = name
        connection.transformer.set_pgresult(results[-1])
        return connection.transformer.load_rows(0, results[-1].ntuples, tuple)


def _results(pgconn: PGconn) -> PQGen[list[PGresult]]:
    """All results of a pipeline.

    Raises psycopg.OperationalError, or the error that the server told, when the connection is lost.
    """
    results: list[PGresult] = []
    queries = 0
    try:
        while True:
            while pgconn.is_busy():
                pgconn.consume_input()  # first: it is often there
                if pgconn.is_busy():
                    yield WAIT_R
            result = pgconn.get_result()
            if result is None:  # after the result of each query
                queries += 1
                if queries > len(results):
                    raise psycopg.OperationalError("nothing is outstanding, or all is lost")
            elif result.status == _SYNC:
                return results
            else:
                results.append(result)
    except psycopg.OperationalError:
        # The first that failed says why: after it come those that were not run.
        if failed := next((each for each in results if each.status not in _DONE), None):
            raise error_from_result(failed) from None
        raise
