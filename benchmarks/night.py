"""The nights of a large history, by stages."""

import subprocess
import sys
from datetime import timedelta

from benchmarks.size import ORDERS
from benchmarks.warm_stack import DAYS, WarmStack, settable_clock, warm_stack
from features_pkg.calendar import Calendar, from_us
from stores.postgres.connection import Connection, connect
from stores.postgres.runs import RunRow, newest_runs
from stores.settings import Settings


def measure() -> list[str]:
    """The lines of the section: the stack's own night, the next one, and one without an event."""
    with settable_clock(warm_stack()) as stack:
        return _lines(stack)


def _lines(stack: WarmStack) -> list[str]:
    settings = Settings.from_environ(stack.environ)
    with connect(settings.postgres_url, application_name="bench", autocommit=True) as connection:
        (first,) = newest_runs(connection, 1)
        _next_night(stack, settings, first)
        pages = _pages_touched(connection)
        idle = _next_night(stack, settings, *newest_runs(connection, 1))
        pages = _pages_touched(connection) - pages
        ((all_pages,),) = connection.execute(
            "SELECT relpages FROM pg_class WHERE relname = 'orders'"
        ).fetchall()
    assert idle.delta_rows == 0  # the generated orders of the first day came in between
    stages = dict.fromkeys([*first.seconds, *idle.seconds])
    share = pages / max(int(str(all_pages)), 1)
    return [
        "## The night",
        "",
        f"{ORDERS:,} generated orders of {DAYS} days; {first.rows or 0:,} entities.",
        "",
        "| seconds | first night | a night without a new event |",
        "|---|---|---|",
        *(f"| {stage} | {_seconds(first, stage)} | {_seconds(idle, stage)} |" for stage in stages),
        f"| all | {sum(first.seconds.values()):.1f} | {sum(idle.seconds.values()):.1f} |",
        "",
        (
            f"The night without a new event touched {share:.2%} of the pages of `orders`, and "
            f"wrote {idle.written or 0:,} entities."
        ),
    ]


def _seconds(run: RunRow, stage: str) -> str:
    return f"{run.seconds[stage]:.1f}" if stage in run.seconds else ""


def _next_night(stack: WarmStack, settings: Settings, before: RunRow) -> RunRow:
    """Run the night of the day after another one, at noon of that day; its record."""
    day = before.day + timedelta(days=1)
    noon_us = Calendar(settings.timezone).cutoff_us(day.toordinal()) + 43_200_000_000
    words = ("night", "--as-of", day.isoformat(), "--clock", from_us(noon_us).isoformat())
    command = [sys.executable, "-m", "ontem", *words]
    subprocess.run(command, cwd=stack.folder, env=stack.environ, check=True, stdout=sys.stderr)
    with connect(settings.postgres_url, application_name="bench", autocommit=True) as connection:
        (run,) = newest_runs(connection, 1)
    return run


def _pages_touched(connection: Connection) -> int:
    """How many pages of the table `orders` were read so far, from memory or from the disk."""
    connection.execute("SELECT pg_stat_force_next_flush()")
    ((pages,),) = connection.execute(
        "SELECT heap_blks_read + heap_blks_hit FROM pg_statio_user_tables WHERE relname = 'orders'"
    ).fetchall()
    return int(str(pages))
