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

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.size import ORDERS
from benchmarks.warm_stack import PRODUCTION, PROJECT, ImportedStack
from features_pkg.calendar import Calendar, from_us
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
    history = _between(table, None, cutoffs[world.first_day])
    history = history.slice(max(history.num_rows - world.orders, 0))
    few = _between(table, cutoffs[world.first_day], cutoffs[world.few_day]).slice(0, FEW)
    more = _between(table, cutoffs[world.quiet_day], cutoffs[world.more_day]).slice(0, MORE)
    kept = pa.concat_tables([history, few, more])
    pq.write_table(_known_before(history, cutoffs[world.first_day]), folder / "history.parquet")
    for name, orders, start, end in (
        ("few", few, cutoffs[world.first_day], cutoffs[world.few_day]),
        ("more", more, cutoffs[world.quiet_day], cutoffs[world.more_day]),
    ):
        pq.write_table(_known_before(orders, start), folder / f"{name}.parquet")
        charged = _between(kept, start, end, "chargeback_at").select(["order_id", "chargeback_at"])
        pq.write_table(charged, folder / f"{name}-back.parquet")


def _between(
    table: pa.Table, start: datetime | None, end: datetime, column: str = "event_at"
) -> pa.Table:
    """The rows whose instant is in `[start, end)`."""
    instants = table[column]
    inside = pc.less(instants, pa.scalar(end, instants.type))
    if start is not None:
        inside = pc.and_(inside, pc.greater_equal(instants, pa.scalar(start, instants.type)))
    return table.filter(inside)


def _known_before(table: pa.Table, end: datetime) -> pa.Table:
    """The orders as they were known at an instant, without later chargebacks."""
    at = table["chargeback_at"]
    known = pc.less(at, pa.scalar(end, at.type))
    column = pc.if_else(pc.fill_null(known, False), at, pa.scalar(None, at.type))
    return table.set_column(table.schema.get_field_index("chargeback_at"), "chargeback_at", column)
