"""One import: the rows of a source, stored in one transaction, with one row of counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final, LiteralString, cast

import pyarrow as pa

from features_pkg.calendar import Calendar, to_us
from jobs.importing.errors import TooManyRefused
from jobs.importing.mapping import FileKind, FileMapping
from jobs.importing.options import ImportOptions
from jobs.importing.pool import prepare_batches
from jobs.importing.prepare import PreparedBatch, Rules
from jobs.importing.refusals import Refusal
from jobs.importing.source import Source, open_source
from jobs.importing.staging import COPY_ROWS, CREATE_TABLE, DROP_TABLE, Staging, StagingResult
from stores.postgres.connection import Connection

MERCHANT_LOCKS: Final = 0x4F6E_0000_0000_0000
"""Added to a merchant's id: the key of the lock that makes imports of one merchant take turns."""

MerchantId = int | Callable[[], int]
"""A merchant's id, or a function that gives it.

The function is called in the transaction that stores the rows, so a merchant that it creates is
there only if they are.
"""


@dataclass(frozen=True, slots=True)
class ImportResult:
    """The counts of one import; a `known` row was already stored with the same content."""

    import_id: int
    rows_read: int
    orders_new: int
    orders_known: int
    orders_at_another_instant: int
    """How many of the known ones count from another instant than the file says, which stays."""
    chargebacks_new: int
    chargebacks_known: int
    chargebacks_waiting: int
    """How many chargebacks of the file have no order yet; each counts from when that is stored."""
    rows_refused: int
    ids_trimmed: int
    """How many chargebacks met their order only without the `.0` at the end of its id."""
    card_numbers: Mapping[str, int]
    """By field, how many rows have what looks like a card's number; `card` has fingerprints."""
    earliest_day: date | None
    """First civil day on which something new happened; None when nothing is new."""


def import_orders(
    connection: Connection,
    source: Path | pa.Table,
    merchant_id: MerchantId,
    mapping: FileMapping | None = None,
    options: ImportOptions | None = None,
) -> ImportResult:
    """Load the orders of a file or table, and the chargebacks in its column `chargeback_at`.

    Everything is stored in one transaction, which begins when the last row has been read, unless
    the caller has begun one. Orders that are already stored are counted; those that are stored with
    other content are refused. Raises ImportRefused when the whole file is refused.
    """
    job = _Import(connection, merchant_id, mapping or FileMapping(), options or ImportOptions())
    return job.run("orders", source)


def import_chargebacks(
    connection: Connection,
    source: Path | pa.Table,
    merchant_id: MerchantId,
    mapping: FileMapping | None = None,
    options: ImportOptions | None = None,
) -> ImportResult:
    """Load a file or table of chargebacks and reversals, as `import_orders` does.

    A chargeback of an unknown order is stored and waits for its order.
    """
    job = _Import(connection, merchant_id, mapping or FileMapping(), options or ImportOptions())
    return job.run("chargebacks", source)


@dataclass(slots=True)
class _Import:
    """The steps of one import, and how many rows were refused so far."""

    connection: Connection
    merchant_id: MerchantId
    mapping: FileMapping
    options: ImportOptions
    rows_refused: int = 0
    card_numbers: Counter[str] = field(default_factory=Counter)

    def run(self, kind: FileKind, file_or_table: Path | pa.Table) -> ImportResult:
        source = open_source(file_or_table, self.mapping.delimiter)
        columns = self.mapping.resolve(kind, source.name, source.columns)
        digest = source.sha256()
        with self.connection.transaction():
            now_us = to_us(self._value("SELECT ontem_clock()"))
            self.connection.execute(DROP_TABLE)
            self.connection.execute(CREATE_TABLE[kind])
        rules = Rules(kind, self.mapping, columns, now_us, self.options.card_key)
        rows_read, rows_staged = self._stage(source, rules)
        self._check_refusals(rows_read)
        self.options.listener.on_store(rows_staged)
        with self.connection.transaction():
            return self._store(kind, source.name, digest, rows_read, rows_staged)

    def _store(
        self, kind: FileKind, source: str, digest: bytes, rows_read: int, rows_staged: int
    ) -> ImportResult:
        merchant_id = self.merchant_id if isinstance(self.merchant_id, int) else self.merchant_id()
        lock = MERCHANT_LOCKS + merchant_id
        self.connection.execute("SET LOCAL lock_timeout = 0")  # imports wait for each other
        self.connection.execute("SELECT pg_advisory_xact_lock(%s)", [lock])
        import_id = self._value(
            "INSERT INTO imports (merchant_id, kind, source, sha256) VALUES (%s, %s, %s, %s)"
            " RETURNING import_id",
            [merchant_id, kind, source, digest],
        )
        staging = Staging(self.connection, merchant_id, import_id, self._refuse)
        stored = staging.store(kind, rows_staged)
        self._check_refusals(rows_read)
        self.connection.execute(DROP_TABLE)
        return self._record(import_id, rows_read, stored)

    def _stage(self, source: Source, rules: Rules) -> tuple[int, int]:
        """Copy the rows that are not refused; how many rows were read, and how many staged.

        Each batch has a transaction of its own, and none is open while a batch is read. So however
        long the file is, no night waits for it and no evaluation has it in flight.
        """
        rows, unread = 0, 0
        batches = source.batches(list(dict.fromkeys(rules.columns.values())))
        for batch in prepare_batches(batches, rules, self.options.processes):
            self._copy(batch)
            rows += batch.rows
            self.card_numbers += batch.card_numbers
            for refusal in batch.refusals:
                self._refuse(refusal)
            unread = self._refuse_unread(source, unread)
            self.options.listener.on_progress(rows + unread, source.rows)
        rows += self._refuse_unread(source, unread)
        return rows, rows - self.rows_refused

    def _copy(self, batch: PreparedBatch) -> None:
        with (
            self.connection.transaction(),
            self.connection.cursor() as cursor,
            cursor.copy(COPY_ROWS) as copy,
        ):
            copy.write(batch.csv)

    def _refuse_unread(self, source: Source, count: int) -> int:
        """Refuse the rows that the source refused after the first `count`; how many there are."""
        for number, reason in source.refused_rows[count:]:
            self._refuse(Refusal(number, None, "", reason))
            count += 1
        return count

    def _refuse(self, refusal: Refusal) -> None:
        self.rows_refused += 1
        self.options.listener.on_refusal(refusal)

    def _check_refusals(self, rows_read: int) -> None:
        """Raise TooManyRefused when more rows are refused than may be."""
        if not self.options.allows(self.rows_refused, rows_read):
            raise TooManyRefused(refused=self.rows_refused, rows=rows_read)

    def _record(self, import_id: int, rows_read: int, stored: StagingResult) -> ImportResult:
        """Write the counts into the row of the import."""
        earliest = stored.earliest_at
        calendar = Calendar(self.options.timezone)
        day = None if earliest is None else date.fromordinal(calendar.day_of(to_us(earliest)))
        result = ImportResult(
            import_id=import_id,
            rows_read=rows_read,
            orders_new=stored.orders_new,
            orders_known=stored.orders_known,
            orders_at_another_instant=stored.orders_at_another_instant,
            chargebacks_new=stored.chargebacks_new,
            chargebacks_known=stored.chargebacks_known,
            chargebacks_waiting=stored.chargebacks_waiting,
            rows_refused=self.rows_refused,
            ids_trimmed=stored.ids_trimmed,
            card_numbers=self.card_numbers,
            earliest_day=day,
        )
        self.connection.execute(
            "UPDATE imports SET earliest_day = %s, rows_read = %s, orders_new = %s,"
            " orders_known = %s, chargebacks_new = %s, chargebacks_known = %s, rows_refused = %s"
            " WHERE import_id = %s",
            [day, rows_read, result.orders_new, result.orders_known, result.chargebacks_new,
             result.chargebacks_known, self.rows_refused, import_id],
        )  # fmt: skip
        return result

    def _value(self, query: LiteralString, values: Sequence[object] = ()) -> Any:
        """The one value of the one row that `query` gives."""
        row = self.connection.execute(query, values).fetchone()
        return cast(tuple[Any, ...], row)[0]
