"""What PostgreSQL copies out, in chunks of lines."""

from collections.abc import Generator, Iterator, Mapping
from io import BytesIO
from itertools import islice
from typing import Final

from features_pkg.queries import with_literals
from jobs.extract.rows import EVALUATION, ORDER, Chunk
from stores.postgres.connection import Connection, quote

CHUNK_ROWS: Final = 100_000

_QUERIES: Final[Mapping[str, str | None]] = {
    "extract_orders": ORDER,
    "extract_chargebacks": None,
    "extract_evaluations": EVALUATION,
}
"""The queries, and of which kind their rows are; None where a column says it."""


def chunks(
    connection: Connection, from_key: int | None, to_key: int, *, rows: int = CHUNK_ROWS
) -> Generator[Chunk, None, None]:
    """All that was recorded from `from_key` (None: from the first one) to before `to_key`.

    A chunk has at most `rows` lines. One transaction reads it all, so it holds back the clean-up of
    dead rows until it ends.
    """
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        if from_key is not None:
            # The planner knows nothing of keys that are newer than its statistics.
            connection.execute("SET LOCAL enable_seqscan = off")
        for statement, kind in copy_statements(from_key, to_key):
            yield from _lines(connection, statement, kind, rows)


def copy_statements(from_key: int | None, to_key: int) -> Iterator[tuple[str, str | None]]:
    """What copies the rows of `chunks`, and of which kind they are."""
    bounds = {"to_key": to_key} | ({} if from_key is None else {"from_key": from_key})
    for template, kind in _QUERIES.items():
        if from_key is None and kind == EVALUATION:
            continue  # each came with its order
        query = with_literals(template, bounds, quote)
        yield f"COPY ({query}) TO STDOUT (FORMAT csv, HEADER)", kind


def _lines(
    connection: Connection, statement: str, kind: str | None, most: int
) -> Generator[Chunk, None, None]:
    """The rows of a statement: libpq hands over one line at a time, the header first."""
    with connection.cursor() as cursor, cursor.copy(statement.encode()) as copy:
        rows = iter(copy)
        names = bytes(next(rows)).decode().strip().replace('"', "").split(",")
        while True:
            lines = BytesIO()
            lines.writelines(islice(rows, most))  # a loop in Python costs a third more
            if not lines.tell():
                return
            yield Chunk(lines.getvalue(), names, kind)
