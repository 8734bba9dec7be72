"""What PostgreSQL copies out, in chunks of lines."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Final

from features_pkg.queries import with_literals
from jobs.extract.rows import EVALUATION, ORDER
from stores.postgres.connection import Connection, quote

CHUNK_ROWS: Final = 50_000

_QUERIES: Final[Mapping[str, str | None]] = {
    "extract_orders": ORDER,
    "extract_chargebacks": None,
    "extract_evaluations": EVALUATION,
}
"""The queries, and of which kind their rows are; None where a column says it."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some lines of CSV of one query, and the names of their columns."""

    content: bytes
    names: list[str]
    kind: str | None


def chunks(
    connection: Connection, from_key: int | None, to_key: int, *, rows: int = CHUNK_ROWS
) -> Generator[Chunk, None, None]:
    """All that was recorded from `from_key` (None: from the first one) to before `to_key`.

    A chunk has at most `rows` lines. One transaction reads it all, so it holds back the clean-up of
    dead rows until it ends.
    """
    bounds = {"to_key": to_key} | ({} if from_key is None else {"from_key": from_key})
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        if from_key is not None:
            # The planner knows nothing of keys that are newer than its statistics.
            connection.execute("SET LOCAL enable_seqscan = off")
        for template, kind in _QUERIES.items():
            if from_key is None and kind == EVALUATION:
                continue  # each came with its order
            query = with_literals(template, bounds, quote)
            yield from _lines(connection, query, kind, rows)


def _lines(
    connection: Connection, query: str, kind: str | None, most: int
) -> Generator[Chunk, None, None]:
    """The rows of a query: libpq hands over one line at a time, the header first."""
    statement = f"COPY ({query}) TO STDOUT (FORMAT csv, HEADER)"
    with connection.cursor() as cursor, cursor.copy(statement.encode()) as copy:
        rows = iter(copy)
        names = bytes(next(rows)).decode().strip().replace('"', "").split(",")
        lines: list[bytes] = []
        for row in rows:
            lines.append(bytes(row))
            if len(lines) == most:
                yield Chunk(b"".join(lines), names, kind)
                lines = []
        if lines:
            yield Chunk(b"".join(lines), names, kind)
