"""A stack with a million orders, a published snapshot and a model, which is removed at exit."""

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.size import ORDERS
from features_pkg.calendar import Calendar, to_us
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.identifiers import SINGLE_VALUED
from ontem.stack import LocalStack
from stores.postgres.connection import connect
from stores.postgres.merchants import find_merchant, issue_key
from stores.settings import Settings
from tests.e2e.a_model import write_a_model
from tests.model_keys import TRUST

PROJECT = Path(__file__).resolve().parents[1]
LIVE_ORDERS = 6_000
DAYS = 180


@dataclass(frozen=True, slots=True)
class ImportedStack:
    """The environment of its commands, the folder in which they run, and all generated orders."""

    folder: Path
    environ: dict[str, str]
    table: pa.Table

    def ontem(self, *words: str) -> None:
        """Run a command that a user has; what it prints is not part of the section."""
        command = [sys.executable, "-m", "ontem", *words]
        subprocess.run(command, cwd=self.folder, env=self.environ, check=True, stdout=sys.stderr)


@dataclass(frozen=True, slots=True)
class WarmStack:
    """What a client of the service needs, and the environment to start it in."""

    folder: Path
    environ: dict[str, str]
    key: str
    live_orders: list[dict[str, Any]]
    """The bodies of the newest orders, which were not imported."""


@cache
def imported_stack() -> ImportedStack:
    """A stack of which no night ran yet, unless `warm_stack` was made of it."""
    folder = Path(tempfile.mkdtemp(prefix="ontem-bench-"))
    local = LocalStack(folder)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(local.remove)
    local.up()
    (local.home / "jars").symlink_to(PROJECT / ".ontem" / "jars")
    environ = {**os.environ, **local.variables, "PYTHONPATH": str(PROJECT)}
    run = ImportedStack(folder, environ, pa.table({})).ontem
    run("migrate")
    days = ("--days", str(DAYS), "--seed", "1", "--output", "all.parquet")
    run("generate", "--orders", str(ORDERS + LIVE_ORDERS), *days)
    table = pq.read_table(folder / "all.parquet").sort_by("event_at")
    pq.write_table(table.slice(0, ORDERS), folder / "history.parquet")
    run("import", "history.parquet", "--merchant", "bench", "--create-merchant")
    return ImportedStack(folder, environ, table)


@cache
def warm_stack() -> WarmStack:
    """The stack, made once per process with the commands that a user has."""
    imported = imported_stack()
    folder, table = imported.folder, imported.table
    environ = {**imported.environ, "ONTEM_MODEL": str(folder / "model"), **TRUST}
    settings = Settings.from_environ(environ)
    features = FeatureSet(settings.timezone, settings.snapshot_lag)
    write_a_model(folder / "model", features)
    imported.ontem("night", "--as-of", _due_day(table, features).isoformat())
    with connect(settings.postgres_url, application_name="bench", autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
        key = issue_key(connection, find_merchant(connection, "bench"))
    live_orders = [_body(row) for row in table.slice(ORDERS).to_pylist()]
    return WarmStack(folder, environ, key.text, live_orders)


def _due_day(table: pa.Table, features: FeatureSet) -> date:
    """The day whose snapshot is due for an order right after the last one."""
    last_at = table["event_at"][-1].as_py() + timedelta(seconds=1)
    day = Calendar(features.timezone).due_day(to_us(last_at), features.snapshot_lag)
    return date.fromordinal(day)


def _body(row: dict[str, Any]) -> dict[str, Any]:
    names = ("order_id", "amount_cents", *SINGLE_VALUED, "items")
    return {name: row[name] for name in names if row[name] is not None}
