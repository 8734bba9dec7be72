"""A shop whose orders come night by night: a long history, and what its next nights bring.

The history ends where the day of the first night begins. Then come two days with 1 % of the orders,
a day without any, and four days with 2 %. All of it lies in the past, so its nights run by the
ordinary clock.
"""

import atexit
import os
import shutil
import tempfile
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.size import ORDERS
from benchmarks.warm_stack import PRODUCTION, PROJECT, ImportedStack
from features_pkg.calendar import Calendar, from_us, to_us
from ontem.stack import LocalStack
from stores.postgres.connection import connect
from stores.settings import Settings

FEW_DAYS, QUIET_DAYS, MORE_DAYS = 2, 1, 4
ALL_DAYS = FEW_DAYS + QUIET_DAYS + MORE_DAYS
FEW, MORE = ORDERS // 100, ORDERS // 50
"""How many orders the two groups of days bring, whatever the history is."""
SPARE = 1.3
"""How many more are made up, for the last days of a shop are not its busiest."""


@dataclass(frozen=True)
class NightWorld:
    """A stack with the history. The days name nights, which count what was before them."""

    stack: ImportedStack
    local: LocalStack
    orders: int
    first_day: date
    cutoffs: dict[date, datetime]

    @property
    def few_day(self) -> date:
        """The night that meets 1 % new orders."""
        return self.first_day + timedelta(days=FEW_DAYS)

    @property
    def quiet_day(self) -> date:
        """The night that meets nothing new."""
        return self.few_day + timedelta(days=QUIET_DAYS)

    @property
    def more_day(self) -> date:
        """The night that meets 2 % new orders."""
        return self.quiet_day + timedelta(days=MORE_DAYS)

    def bring(self, name: str) -> None:
        """Import the orders and chargebacks of some days: `few` or `more`."""
        self.stack.ontem("import", f"{name}.parquet", "--merchant", "bench")
        kind = ("--kind", "chargebacks")
        self.stack.ontem("import", f"{name}-back.parquet", "--merchant", "bench", *kind)

    def remove(self) -> None:
        """Remove the stack for good."""
        self.local.remove()
        shutil.rmtree(self.stack.folder, ignore_errors=True)


@cache
def night_world(orders: int, days: int) -> NightWorld:
    """The world, made once per process with the commands that a user has, and removed at exit."""
    folder = Path(tempfile.mkdtemp(prefix="ontem-nights-"))
    local = LocalStack(folder)
    local.up()
    environ = {**os.environ, **local.variables, **PRODUCTION, "PYTHONPATH": str(PROJECT)}
    stack = ImportedStack(folder, environ, pa.table({}))
    (local.home / "jars").symlink_to(PROJECT / ".ontem" / "jars")
    settings = Settings.from_environ(environ)
    calendar = Calendar(settings.timezone)
    today = calendar.day_of(int(datetime.now(UTC).timestamp() * 1_000_000) - 3_600_000_000)
    first_day = date.fromordinal(today - ALL_DAYS)
    cutoffs = {
        date.fromordinal(day): from_us(calendar.cutoff_us(day))
        for day in range(today - ALL_DAYS, today + 1)
    }
    world = NightWorld(stack, local, orders, first_day, cutoffs)
    atexit.register(world.remove)
    _import_history(world, days)
    with connect(settings.postgres_url, application_name="bench", autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    return world


def _import_history(world: NightWorld, days: int) -> None:
    """Write the files of all days, and import those of the history."""
    stack, end = world.stack, world.cutoffs[world.more_day]
    stack.ontem("migrate")
    every = round(world.orders * (1 + ALL_DAYS / days * SPARE))
    words = ("--orders", str(every), "--days", str(days + ALL_DAYS), "--seed", "1")
    stack.ontem("generate", *words, "--end", end.isoformat(), "--output", "all.parquet")
    table = pq.read_table(stack.folder / "all.parquet")
    write_files(table, world)
    (stack.folder / "all.parquet").unlink()
    stack.ontem("import", "history.parquet", "--merchant", "bench", "--create-merchant")
    (stack.folder / "history.parquet").unlink()


def write_files(table: pa.Table, world: NightWorld) -> None:
    """The orders of the history, of the few and of more days, and chargebacks that come later."""
    cutoffs, folder = world.cutoffs, world.stack.folder
    first, few_end, quiet_end, end = (
        _rows_before(table, cutoffs[day])
        for day in (world.first_day, world.few_day, world.quiet_day, world.more_day)
    )
    oldest = max(first - world.orders, 0)
    history = table.slice(oldest, first - oldest)
    few = table.slice(first, min(few_end - first, FEW))
    more = table.slice(quiet_end, min(end - quiet_end, MORE))
    kept = pa.concat_tables([history, few, more])
    pq.write_table(_known_before(history, cutoffs[world.first_day]), folder / "history.parquet")
    for name, orders, start_at, end_at in (
        ("few", few, cutoffs[world.first_day], cutoffs[world.few_day]),
        ("more", more, cutoffs[world.quiet_day], cutoffs[world.more_day]),
    ):
        pq.write_table(_known_before(orders, start_at), folder / f"{name}.parquet")
        pq.write_table(_charged_back(kept, start_at, end_at), folder / f"{name}-back.parquet")


def _rows_before(table: pa.Table, end: datetime) -> int:
    """How many rows, which are in the order of time, come before an instant."""
    instants = table["event_at"].cast(pa.int64()).to_numpy()
    return int(np.searchsorted(instants, to_us(end)))


def _charged_back(orders: pa.Table, start: datetime, end: datetime) -> pa.Table:
    """The rows of a file of chargebacks: those in `[start, end)`."""
    charged = orders.select(["order_id", "chargeback_at"])
    at = charged["chargeback_at"]
    start_at, end_at = (pa.scalar(instant, at.type) for instant in (start, end))
    return charged.filter(pc.and_(pc.greater_equal(at, start_at), pc.less(at, end_at)))


def _known_before(table: pa.Table, end: datetime) -> pa.Table:
    """The orders as they were known at an instant, without later chargebacks."""
    at = table["chargeback_at"]
    known = pc.less(at, pa.scalar(end, at.type))
    column = pc.if_else(pc.fill_null(known, False), at, pa.scalar(None, at.type))
    return table.set_column(table.schema.get_field_index("chargeback_at"), "chargeback_at", column)
