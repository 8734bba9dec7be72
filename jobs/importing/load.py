"""One import: all rows of a source that may be loaded, in one transaction and one record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final, LiteralString, Protocol, cast

import pyarrow as pa

from features_pkg.calendar import Calendar, to_us
from jobs.importing.mapping import Kind, Mapping
from jobs.importing.pool import prepared
from jobs.importing.prepare import Rules
from jobs.importing.refusals import Refusal
from jobs.importing.source import Source, open_source
from jobs.importing.staging import COPY, CREATE, Staging, Stored
from stores.postgres.connection import Connection

ONE_PER_MERCHANT: Final = 0x4F6E_0000_0000_0000
"""Above it, a merchant's id is the key of the lock that his imports take."""


class Listener(Protocol):
    """Who hears how an import goes."""

    def progressed(self, rows: int, total: int | None) -> None:
        """So many rows have been read, of a total if it is known."""

    def storing(self, rows: int) -> None:
        """All are read; so many are being stored."""

    def refused(self, refusal: Refusal) -> None:
        """One row will not be loaded."""


class Silent:
    """A listener that does not care."""

    def progressed(self, rows: int, total: int | None) -> None:
        """Nothing."""

    def storing(self, rows: int) -> None:
        """Nothing."""

    def refused(self, refusal: Refusal) -> None:
        """Nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """How to import: what depends on the machine or the caller, not on the file."""

    timezone: str = "America/Sao_Paulo"
    """Whose civil days `earliest_day` counts in."""
    processes: int = 2
    listener: Listener = field(default_factory=Silent)


@dataclass(frozen=True, slots=True)
class Imported:
    """What one import did."""

    import_id: int
    rows_read: int
    orders_new: int
    orders_known: int
    chargebacks_new: int
    chargebacks_known: int
    rows_refused: int
    earliest_day: date | None
    """First civil day on which anything changed; None when nothing is new."""


def import_orders(
    connection: Connection,
    source: Path | pa.Table,
    merchant_id: int,
    mapping: Mapping | None = None,
    how: How | None = None,
) -> Imported:
    """Load the orders of a file or table, and the chargebacks of its `chargeback_at`.

    All of it is committed at once, or nothing. Rows that are there already are counted, those with
    other content refused. Raises ImportRefused when nothing can be loaded at all.
    """
    job = _Import(connection, merchant_id, mapping or Mapping(), how or How())
    return job.run("orders", source)


def import_chargebacks(
    connection: Connection,
    source: Path | pa.Table,
    merchant_id: int,
    mapping: Mapping | None = None,
    how: How | None = None,
) -> Imported:
    """Load a file or table of chargebacks, as `import_orders` does.

    One whose order is not known yet waits for it.
    """
    job = _Import(connection, merchant_id, mapping or Mapping(), how or How())
    return job.run("chargebacks", source)


@dataclass(slots=True)
class _Import:
    """The steps of one import, and the rows refused so far."""

    connection: Connection
    merchant_id: int
    mapping: Mapping
    how: How
    refused: int = 0

    def run(self, kind: Kind, given: Path | pa.Table) -> Imported:
        source = open_source(given, self.mapping.delimiter)
        columns = self.mapping.resolve(kind, source.name, source.columns)
        digest = source.sha256()
        with self.connection.transaction():
            now_us = to_us(self._one("SELECT ontem_clock()"))
            rules = Rules(kind, self.mapping, columns, now_us)
            self.connection.execute(CREATE[kind])
            read, staged = self._stage(source, rules)
            self.how.listener.storing(staged)
            self.connection.execute("SET LOCAL lock_timeout = 0")  # imports wait for each other
            self.connection.execute(
                "SELECT pg_advisory_xact_lock(%s)", [ONE_PER_MERCHANT + self.merchant_id]
            )
            import_id = self._one(
                "INSERT INTO imports (merchant_id, kind, source, sha256) VALUES (%s, %s, %s, %s)"
                " RETURNING import_id",
                [self.merchant_id, kind, source.name, digest],
            )
            staging = Staging(self.connection, self.merchant_id, import_id, self._refuse)
            stored = staging.store(kind, staged)
            self.connection.execute("DROP TABLE staged")  # the caller may have begun earlier
            return self._record(import_id, read, stored)

    def _stage(self, source: Source, rules: Rules) -> tuple[int, int]:
        """Copy what may be loaded; how many rows were read and staged."""
        read, told = 0, 0
        batches = source.batches(list(dict.fromkeys(rules.columns.values())))
        with self.connection.cursor() as cursor, cursor.copy(COPY) as copy:
            for batch in prepared(batches, rules, self.how.processes):
                copy.write(batch.lines)
                read += batch.rows
                for refusal in batch.refused:
                    self._refuse(refusal)
                told = self._refuse_misshapen(source, told)
                self.how.listener.progressed(read + told, source.rows)
        told = self._refuse_misshapen(source, told)
        read += told
        return read, read - self.refused

    def _refuse_misshapen(self, source: Source, told: int) -> int:
        """Refuse the misshapen rows that were not told yet; how many are told now."""
        for number in source.misshapen[told:]:
            self._refuse(Refusal(number, None, "", "has more or fewer fields than the header"))
            told += 1
        return told

    def _refuse(self, refusal: Refusal) -> None:
        self.refused += 1
        self.how.listener.refused(refusal)

    def _record(self, import_id: int, read: int, stored: Stored) -> Imported:
        """Complete the record of the import."""
        earliest = stored.earliest_at
        calendar = Calendar(self.how.timezone)
        day = None if earliest is None else date.fromordinal(calendar.day_of(to_us(earliest)))
        done = Imported(
            import_id=import_id,
            rows_read=read,
            orders_new=stored.orders_new,
            orders_known=stored.orders_known,
            chargebacks_new=stored.chargebacks_new,
            chargebacks_known=stored.chargebacks_known,
            rows_refused=self.refused,
            earliest_day=day,
        )
        self.connection.execute(
            "UPDATE imports SET earliest_day = %s, rows_read = %s, orders_new = %s,"
            " orders_known = %s, chargebacks_new = %s, chargebacks_known = %s, rows_refused = %s"
            " WHERE import_id = %s",
            [day, read, done.orders_new, done.orders_known, done.chargebacks_new,
             done.chargebacks_known, self.refused, import_id],
        )  # fmt: skip
        return done

    def _one(self, query: LiteralString, values: Sequence[object] = ()) -> Any:
        row = self.connection.execute(query, values).fetchone()
        return cast(tuple[Any, ...], row)[0]
