"""The training set of a day that was evaluated live, with much in flight, and with nothing.

Eight clients evaluate orders, and in the middle an import adds older orders of the same customers.
Then the training set of the day is built as it was, and as if every evaluation had seen all rows,
in turn. ONTEM_BENCH_LIVE is the number of live orders, 100,000 unless it is set.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from statistics import median
from typing import Final, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.load import Target, clients
from benchmarks.offline_files import training_files
from benchmarks.server import SERVE, process
from benchmarks.size import ORDERS, is_rehearsal, repetitions
from benchmarks.streams import bodies_of, wait_until_normal
from benchmarks.warm_stack import WarmStack, settable_clock, warm_stack
from benchmarks.watched import WatchedRun, watched
from features_pkg.calendar import DAY_US, Calendar, from_us, to_us
from features_pkg.definitions.feature_set import FeatureSet
from ontem.demo.audit import Audit, as_matrix, compare_vectors
from stores.postgres.connection import Connection, connect
from stores.settings import Settings

LIVE: Final = 400 if is_rehearsal() else int(os.environ.get("ONTEM_BENCH_LIVE", "100000"))
IMPORTED: Final = LIVE // 2
CLIENTS: Final = 8
TURNS: Final = repetitions(3)
IMPORT_DAYS: Final = 60
"""The orders of the import are spread over so many days, the last one included."""
BUILDING: Final = "build the training set"
"""The stage that is measured: extraction and the start of Spark are the same for both."""

KEEP = """
    CREATE TEMP TABLE as_it_was AS
    SELECT evaluation_id, visible, load_id FROM evaluations WHERE evaluated_at >= %s
"""
KEEP_LOADS = "CREATE TEMP TABLE loads_as_they_were AS SELECT load_id, watermark FROM loads"
SEE_ALL = """
    UPDATE evaluations SET visible = pg_current_snapshot()
    WHERE evaluation_id IN (SELECT evaluation_id FROM as_it_was) AND visible IS NOT NULL
"""
LOAD_ALL = "UPDATE loads SET watermark = pg_snapshot_xmin(pg_current_snapshot())"
SEE_AS_IT_WAS = """
    UPDATE evaluations e SET visible = w.visible FROM as_it_was w
    WHERE e.evaluation_id = w.evaluation_id
"""
LOAD_AS_IT_WAS = """
    UPDATE loads l SET watermark = w.watermark FROM loads_as_they_were w
    WHERE l.load_id = w.load_id
"""
IN_FLIGHT = """
    SELECT count(*), (SELECT count(*) FROM as_it_was, pg_snapshot_xip(visible)) FROM as_it_was
"""
VECTORS = "SELECT order_pk, vector, missing FROM evaluations WHERE evaluated_at >= %s"


@dataclass(frozen=True, slots=True)
class Turn:
    """A run over the day as it was, and one over the day in which everything was seen."""

    as_it_was: WatchedRun
    all_seen: WatchedRun

    @property
    def ratio(self) -> float:
        """How many times as long the day took as it was."""
        return _seconds(self.as_it_was) / _seconds(self.all_seen)


def measure() -> list[str]:
    """The lines of the section."""
    stack = warm_stack()
    began = datetime.now(UTC)
    per_second = _live_orders(stack)
    settings = Settings.from_environ(stack.environ)
    with (
        settable_clock(stack) as settable,
        connect(settings.postgres_url, application_name="bench", autocommit=True) as connection,
    ):
        connection.execute(KEEP, (began,))
        connection.execute(KEEP_LOADS)
        words = _words(began, Calendar(settings.timezone))
        turns = [_turn(settable, connection, words) for _ in range(TURNS)]
        ((evaluations, in_flight),) = connection.execute(IN_FLIGHT).fetchall()
        vectors = connection.execute(VECTORS, (began,)).fetchall()
    stored = {
        cast(int, pk): (cast(bytes, vector), cast(list[str], missing))
        for pk, vector, missing in vectors
    }
    features = FeatureSet(settings.timezone, settings.snapshot_lag)
    tables = [_rows(stack, run) for run in (turns[-1].as_it_was, turns[-1].all_seen)]
    audit = compare_vectors(tables[0], stored, features)
    if audit.different or audit.not_in_training:
        raise AssertionError(f"training is not what was served: {audit}")
    changed = _different(tables[0], tables[1], features)
    return _page(turns, audit, per_second, int(str(in_flight)), int(str(evaluations)), changed)


def _live_orders(stack: WarmStack) -> float:
    """Evaluate all live orders, with an import in the middle; how many were answered a second."""
    path = stack.folder / "beside.parquet"
    pq.write_table(_imported_orders(stack), path)
    bodies = bodies_of(stack)
    with process(stack, SERVE) as port, clients(CLIENTS) as eight:
        target = Target(port, stack.key)
        wait_until_normal(target, stack)
        first = eight.closed_loop(target, list(islice(bodies, LIVE // 2)))
        with _import_of(stack, path.name):
            second = eight.closed_loop(target, list(islice(bodies, LIVE // 2)))
    path.unlink()
    return LIVE / (first.seconds + second.seconds)


def _imported_orders(stack: WarmStack) -> pa.Table:
    """Older orders of the customers of the live ones."""
    random = np.random.default_rng(1)
    live = pq.read_table(stack.folder / "live.parquet").drop_columns(["chargeback_at"])
    table = live.take(pa.array(random.integers(0, live.num_rows, IMPORTED)))
    nonce, now_us = time.time_ns(), time.time_ns() // 1000
    ages = random.integers(60_000_000, IMPORT_DAYS * DAY_US, IMPORTED)
    columns = {
        "order_id": pa.array([f"import-{nonce}-{n}" for n in range(IMPORTED)]),
        "event_at": pa.array(now_us - ages, pa.timestamp("us", "UTC")),
    }
    for name, column in columns.items():
        table = table.set_column(table.schema.get_field_index(name), name, column)
    return table


@contextmanager
def _import_of(stack: WarmStack, name: str) -> Iterator[None]:
    """Inside, a file is imported; afterwards it is."""
    command = [sys.executable, "-m", "ontem", "import", name, "--merchant", "bench"]
    with subprocess.Popen(
        command, cwd=stack.folder, env=stack.environ, stdout=sys.stderr
    ) as importing:
        yield
        if importing.wait():
            raise subprocess.CalledProcessError(importing.returncode, command)


def _words(began: datetime, calendar: Calendar) -> tuple[str, ...]:
    """The training set of the days of the live orders, at noon of the day after them."""
    first, last = (calendar.day_of(to_us(at)) for at in (began, datetime.now(UTC)))
    end_day = date.fromordinal(last + 1)
    noon = from_us(calendar.cutoff_us(last + 1)) + timedelta(hours=12)
    days = ("--from", f"{date.fromordinal(first)}", "--to", f"{end_day}")
    return ("training-set", *days, "--include-stale", "--clock", noon.isoformat())


def _turn(stack: WarmStack, connection: Connection, words: tuple[str, ...]) -> Turn:
    as_it_was = _run(stack, words)
    try:
        for statement in (SEE_ALL, LOAD_ALL):
            connection.execute(statement)
        all_seen = _run(stack, words)
    finally:
        for statement in (SEE_AS_IT_WAS, LOAD_AS_IT_WAS):
            connection.execute(statement)
    return Turn(as_it_was, all_seen)


def _run(stack: WarmStack, words: tuple[str, ...]) -> WatchedRun:
    """Build the training set of what PostgreSQL has now: an extraction knows no updates."""
    stack.ontem("extract", "--full", *words[-2:])
    return watched(stack, *words)


def _seconds(run: WatchedRun) -> float:
    return run.row.seconds[BUILDING]


def _rows(stack: WarmStack, run: WatchedRun) -> pa.Table:
    assert run.row.revision is not None
    files = training_files(stack, run.row.revision)
    return pa.concat_tables(pq.read_table(file) for file in files).sort_by("order_pk")


def _different(left: pa.Table, right: pa.Table, features: FeatureSet) -> int:
    """How many values of the live orders differ between two training sets of the same orders."""
    one, other = (as_matrix(table.filter(table["live"]), features.names) for table in (left, right))
    return int((~((one == other) | (np.isnan(one) & np.isnan(other)))).sum())


def _page(
    turns: list[Turn],
    audit: Audit,
    per_second: float,
    in_flight: int,
    evaluations: int,
    changed: int,
) -> list[str]:
    ratios = sorted(turn.ratio for turn in turns)
    rows = [
        (name, [getattr(turn, attribute) for turn in turns])
        for name, attribute in (("as it was", "as_it_was"), ("all rows seen", "all_seen"))
    ]
    return [
        "## The training set of a live day",
        "",
        (
            f"{CLIENTS} clients evaluated {LIVE:,} orders, {per_second:.0f} a second, over a "
            f"history of {ORDERS:,}; in the middle an import added {IMPORTED:,} older orders of "
            f"the same customers. {evaluations:,} evaluations saw {in_flight:,} transactions in "
            "flight. The training set of the day was built as it was, and as if every evaluation "
            f"had seen all rows, {TURNS} times in turn; counted is that stage alone."
        ),
        "",
        "| the day | median, s | Spark's largest worker, GB |",
        "|---|---|---|",
        *(
            f"| {name} | {median(map(_seconds, runs)):.1f} "
            f"| {max(run.worker_bytes for run in runs) / 1e9:.2f} |"
            for name, runs in rows
        ),
        "",
        (
            f"Pair by pair the day as it was took **{median(ratios):.2f} times** as long "
            f"({ratios[0]:.2f} to {ratios[-1]:.2f}); the goal is at most 1.5 times. "
            f"**{audit.different} of {audit.compared:,} values** of {audit.orders:,} live orders "
            f"differ from what was served ({audit.not_readable:,} more could not be read then); "
            f"{changed:,} would, had they seen all rows."
        ),
    ]
