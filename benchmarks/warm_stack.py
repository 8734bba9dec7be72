"""Stacks with a history, a published snapshot and a model, which are removed at exit.

With ONTEM_BENCH_KEEP=FOLDER they stay there, and the next benchmarks find them for six hours;
`python -m benchmarks.warm_stack` then makes them of all sizes, and measures nothing.
"""

import atexit
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.size import ORDERS, histories
from features_pkg.calendar import Calendar, to_us
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.identifiers import SINGLE_VALUED
from ontem.stack import LocalStack
from stores.postgres.connection import connect
from stores.postgres.issued_keys import issue_key
from stores.postgres.merchants import find_merchant
from stores.postgres.runs import newest_runs
from stores.settings import Settings
from tests.e2e.a_model import write_a_model
from tests.model_keys import TRUST

PROJECT = Path(__file__).resolve().parents[1]
PRODUCTION = {"ONTEM_ENVIRONMENT": "production"}
DEVELOPMENT = {"ONTEM_ENVIRONMENT": "development"}
SCHEMA = PROJECT / "sql" / "migrations" / "versions" / "0001_spine.sql"
LIVE_ORDERS = 6_000
DAYS = 180
CLOCK_NOW = "SELECT pg_get_functiondef('ontem_clock()'::regprocedure)"
IMPORTED = "imported"
"""The file that says that a kept stack has its orders, and by which schema."""
MOST_KEPT = timedelta(hours=6)
"""When a kept stack is made anew: its newest orders are no longer recent."""


@dataclass(frozen=True, slots=True)
class ImportedStack:
    """The environment of its commands, the folder in which they run, and the orders to send."""

    folder: Path
    environ: dict[str, str]
    table: pa.Table

    def ontem(self, *words: str) -> None:
        """Run a command that a user has."""
        _ontem(self.folder, self.environ, *words)


@dataclass(frozen=True, slots=True)
class WarmStack:
    """What a client of the service needs, and the environment to start it in."""

    folder: Path
    environ: dict[str, str]
    key: str
    live_orders: list[dict[str, Any]]
    """The bodies of the newest orders, which were not imported."""

    def ontem(self, *words: str) -> None:
        """Run a command that a user has."""
        _ontem(self.folder, self.environ, *words)


Prepare = Callable[[ImportedStack], None]
"""Adds something to a stack before its night."""


def imported_stack(
    orders: int = ORDERS, *, durable: bool = True, prepare: Prepare | None = None
) -> ImportedStack:
    """A stack of which no night ran yet, unless `warm_stack` was made of it.

    One that is not durable waits for no disk. `prepare` adds something to it; neither is kept.
    """
    return _imported_stack(orders, durable=durable, prepare=prepare)


@cache  # for which `f()` and `f(ORDERS)` would be two
def _imported_stack(orders: int, *, durable: bool, prepare: Prepare | None) -> ImportedStack:
    folder, is_kept = _folder_of(orders) if durable and not prepare else (_new_folder(), False)
    local = LocalStack(folder, throwaway=not durable)
    if is_kept:
        atexit.register(local.down)
    else:
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        atexit.register(local.remove)
    local.up()
    environ = {**os.environ, **local.variables, **PRODUCTION, "PYTHONPATH": str(PROJECT)}
    if not (folder / IMPORTED).exists():
        _import_orders(ImportedStack(folder, environ, pa.table({})), orders)
    stack = ImportedStack(folder, environ, pq.read_table(folder / "live.parquet"))
    if prepare is not None:
        prepare(stack)
    return stack


def warm_stack(
    orders: int = ORDERS, *, durable: bool = True, prepare: Prepare | None = None
) -> WarmStack:
    """The stack, made once per process with the commands that a user has."""
    return _warm_stack(orders, durable=durable, prepare=prepare)


@cache
def _warm_stack(orders: int, *, durable: bool, prepare: Prepare | None) -> WarmStack:
    imported = _imported_stack(orders, durable=durable, prepare=prepare)
    folder, table = imported.folder, imported.table
    environ = {**imported.environ, "ONTEM_MODEL": str(folder / "model"), **TRUST}
    settings = Settings.from_environ(environ)
    features = FeatureSet(settings.timezone, settings.snapshot_lag)
    due_day = _due_day(table, features).isoformat()
    with connect(settings.postgres_url, application_name="bench", autocommit=True) as connection:
        if due_day not in {str(run.day) for run in newest_runs(connection, 9) if run.load_id}:
            write_a_model(folder / "model", features)
            imported.ontem("night", "--as-of", due_day)
            connection.execute("VACUUM ANALYZE")
        key = issue_key(connection, find_merchant(connection, "bench"))
    live_orders = [_body(row) for row in table.to_pylist()]
    return WarmStack(folder, environ, key.text, live_orders)


@contextmanager
def settable_clock(stack: WarmStack) -> Iterator[WarmStack]:
    """The same stack, as if it had been migrated as development; afterwards it has been no more."""
    url = Settings.from_environ(stack.environ).postgres_url
    clock = (PROJECT / "sql" / "development_clock.sql").read_text(encoding="utf-8")
    with connect(url, application_name="bench", autocommit=True) as connection:
        ((before,),) = connection.execute(CLOCK_NOW).fetchall()
        connection.execute(clock.encode())
        connection.execute("UPDATE stack SET environment = 'development'")
        try:
            yield replace(stack, environ={**stack.environ, **DEVELOPMENT})
        finally:
            connection.execute(str(before).encode())
            connection.execute("UPDATE stack SET environment = 'production'")


def _ontem(folder: Path, environ: Mapping[str, str], *words: str) -> None:
    """Run a command; what it prints is not part of the section."""
    command = [sys.executable, "-m", "ontem", *words]
    subprocess.run(command, cwd=folder, env=environ, check=True, stdout=sys.stderr)


def _folder_of(orders: int) -> tuple[Path, bool]:
    """The folder of a stack, and whether it is kept: then it may have all in it already."""
    keep = os.environ.get("ONTEM_BENCH_KEEP")
    if not keep:
        return _new_folder(), False
    folder = Path(keep).resolve() / f"{orders}"
    imported = folder / IMPORTED
    if folder.exists() and not (imported.exists() and _is_of_today(imported)):
        LocalStack(folder).remove()
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    return folder, True


def _new_folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="ontem-bench-"))


def _is_of_today(imported: Path) -> bool:
    """Whether a kept stack has recent orders and the tables of this checkout."""
    age = timedelta(seconds=time.time() - imported.stat().st_mtime)
    return age < MOST_KEPT and imported.read_text(encoding="ascii") == _schema()


def _schema() -> str:
    return hashlib.sha256(SCHEMA.read_bytes()).hexdigest()


def _import_orders(stack: ImportedStack, orders: int) -> None:
    """Import all generated orders but the newest, which are live."""
    folder, all_orders = stack.folder, stack.folder / "all.parquet"
    jars = LocalStack(folder).home / "jars"
    if not jars.exists():
        jars.symlink_to(PROJECT / ".ontem" / "jars")
    stack.ontem("migrate")
    days = ("--days", str(DAYS), "--seed", "1", "--output", all_orders.name)
    stack.ontem("generate", "--orders", str(orders + LIVE_ORDERS), *days)
    table = pq.read_table(all_orders).sort_by("event_at")
    pq.write_table(table.slice(0, orders), folder / "history.parquet")
    pq.write_table(table.slice(orders), folder / "live.parquet")
    all_orders.unlink()
    stack.ontem("import", "history.parquet", "--merchant", "bench", "--create-merchant")
    (folder / "history.parquet").unlink()
    (folder / IMPORTED).write_text(_schema(), encoding="ascii")


def _due_day(table: pa.Table, features: FeatureSet) -> date:
    """The day whose snapshot is due for an order right after the last one."""
    last_at = table["event_at"][-1].as_py() + timedelta(seconds=1)
    day = Calendar(features.timezone).due_day(to_us(last_at), features.snapshot_lag)
    return date.fromordinal(day)


def _body(row: dict[str, Any]) -> dict[str, Any]:
    names = ("order_id", "amount_cents", *SINGLE_VALUED, "items")
    return {name: row[name] for name in names if row[name] is not None}


if __name__ == "__main__":
    for size in histories():
        warm_stack(size)
