"""The features of a training set by range windows of DuckDB: `python -m ...duckdb_windows PLAN`."""

import sys
from collections.abc import Sequence

import duckdb

from benchmarks.peers.plan import Plan, run_steps
from features_pkg.definitions.velocity import Measure, Past, Velocity

ORDERS = """
CREATE VIEW orders AS
SELECT *, epoch_us(event_at) AS at_us,
    timezone('{timezone}', event_at)::DATE - DATE '1970-01-01' AS day,
    timezone('{timezone}', event_at - INTERVAL {lag} SECONDS)::DATE - DATE '1970-01-01' AS due
FROM read_parquet({files})
WHERE kind = 'order'
"""


class DuckDB:
    """A database of its own, in memory; what does not fit goes into the folder of the plan."""

    def __init__(self, plan: Plan) -> None:
        self._database = duckdb.connect(
            config={
                "threads": plan.cores,
                "memory_limit": f"{plan.memory_mb}MB",
                "temp_directory": f"{plan.folder}/spilled",
                "preserve_insertion_order": False,
            }
        )
        self._database.execute(
            ORDERS.format(timezone=plan.timezone, lag=plan.lag_seconds, files=plan.files)
        )

    def features(self, velocities: Sequence[Velocity], path: str) -> None:
        """Write `order_pk` and the features of every order that has their identifier."""
        identifier = velocities[0].identifier
        columns = ", ".join(f"{_measured(velocity)} AS {velocity.name}" for velocity in velocities)
        windows = ", ".join(dict.fromkeys(_window(velocity) for velocity in velocities))
        found = f'FROM orders WHERE "{identifier}" IS NOT NULL WINDOW {windows}'
        self._copy(f"SELECT order_pk, {columns} {found}", path)

    def join(self, paths: Sequence[str], path: str) -> None:
        """Write one row for each order, with the features of all these files."""
        joins = " ".join(f"LEFT JOIN read_parquet('{each}') USING (order_pk)" for each in paths)
        self._copy(f"SELECT * FROM (SELECT order_pk FROM orders) {joins}", path)  # noqa: S608  our own

    def _copy(self, query: str, path: str) -> None:
        self._database.execute(f"COPY ({query}) TO '{path}' (COMPRESSION zstd)")


def _measured(velocity: Velocity) -> str:
    if velocity.measure is Measure.DISTINCT:
        return f'count(DISTINCT "{velocity.target}") OVER {_name(velocity)}'
    if velocity.measure is Measure.COUNT:
        return f"count(*) OVER {_name(velocity)}"
    return f"coalesce(sum(amount_cents) OVER {_name(velocity)}, 0)::BIGINT"


def _name(velocity: Velocity) -> str:
    assert velocity.window is not None
    return f"w_{velocity.window.text}_{velocity.past}"


def _window(velocity: Velocity) -> str:
    """What the window is; in days it ends before the due day, which may be the day before."""
    assert velocity.window is not None
    if velocity.past is Past.RECENT:
        bounds = f"at_us RANGE BETWEEN {velocity.window.span_us} PRECEDING AND 1 PRECEDING"
    else:
        days, delay = velocity.window.days, velocity.window.delay_days
        start = "UNBOUNDED" if days is None else f"{days + delay} + day - due"
        bounds = f"day RANGE BETWEEN {start} PRECEDING AND {1 + delay} + day - due PRECEDING"
    return f'{_name(velocity)} AS (PARTITION BY "{velocity.identifier}" ORDER BY {bounds})'


if __name__ == "__main__":
    plan = Plan.read(sys.argv[1])
    run_steps(plan, DuckDB(plan))
