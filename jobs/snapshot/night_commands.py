"""`ontem night` and `ontem nights`."""

import json
from datetime import UTC, date, datetime

import click

from jobs.entry import CLOCK, Day, job_here
from stores.postgres.runs import Outcome, RunRow, newest_runs


@click.command()
@click.option(
    "--as-of",
    type=Day(),
    help="Count what happened before this day.  [default: the newest day that has begun, and "
    "before it the one that requests read by now, where its night is missing]",
)
@click.option(
    "--backfill",
    type=(Day(), Day()),
    metavar="FROM TO",
    help="Run the nights of all these days, both included. A day before the newest published "
    "one is built for the offline store alone.",
)
@click.option(
    "--full",
    is_flag=True,
    help="Build the snapshot of all events, not of what is new since the one before.",
)
@CLOCK
def night(
    as_of: date | None,
    backfill: tuple[date, date] | None,
    full: bool,  # noqa: FBT001  click gives flags by name
    clock: datetime | None,
) -> None:
    """Build the snapshot of the newest day and publish it; what is done is not done again."""
    from jobs.snapshot import nights

    if as_of and backfill:
        raise click.UsageError("--as-of names one day and --backfill several: give one of them")
    job = job_here(clock)
    if backfill:
        nights.nights(job, *backfill, full=full)
    elif as_of:
        nights.night(job, as_of, full=full)
    else:
        nights.nights_of_now(job, full=full)


@click.command()
@click.option(
    "--last",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    metavar="N",
    help="How many of them.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, newest first.")
def nights(
    last: int,
    as_json: bool,  # noqa: FBT001  click gives flags by name
) -> None:
    """List the newest runs of nights and other jobs: how they ended and how long they took."""
    with job_here().connect() as connection:
        runs = newest_runs(connection, last)
    if not runs and not as_json:
        click.echo("no night yet: run one with `ontem night`")
    for run in runs:
        click.echo(_as_json(run) if as_json else _describe(run))


def _describe(run: RunRow) -> str:
    total = sum(run.seconds.values())
    lines = [
        f"run {run.run_id}  {run.command} {run.day}  {run.outcome}"
        + (f" in {total:.1f} s" if total else "")
    ]
    if made := _made(run):
        lines.append("  " + ", ".join(made))
    if run.revision:
        lines.append(f"  {run.revision}")
    if run.parent:
        lines.append(f"  {run.delta_rows or 0:,} rows are new, beside {run.parent}")
    if run.seconds:
        lines.append("  " + ", ".join(f"{name} {s:.1f} s" for name, s in run.seconds.items()))
    if run.error:
        lines.append(f"  exit code {run.exit_code}: {run.error}")
    if run.outcome == Outcome.KILLED:
        lines.append("  it ended without a word: run the same command again")
    lines.append(f"  by {run.started_by}, from {_utc(run.started_at)}{_until(run)}")
    return "\n".join(lines)


def _made(run: RunRow) -> list[str]:
    """What the run has made, as far as it came."""
    made = []
    if run.load_id is not None:
        made.append(f"load {run.load_id}")
    if run.rows is not None:
        made.append(f"{run.rows:,} rows")
    if run.active is not None and run.inactive is not None:
        made.append(f"{run.active:,} active, {run.inactive:,} inactive")
    if run.bytes is not None:
        made.append(f"{run.bytes / 1e6:,.1f} MB")
    if run.rows is not None and run.written is not None:
        made.append(f"{run.written:,} written, {run.rows - run.written:,} unchanged")
    return made


def _until(run: RunRow) -> str:
    return f" to {_utc(run.ended_at)}" if run.ended_at else ""


def _utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"


def _as_json(run: RunRow) -> str:
    names = [name for kind in (RunRow.__mro__[1], RunRow) for name in kind.__annotations__]
    return json.dumps({name: getattr(run, name) for name in names}, default=_iso)


def _iso(at: date) -> str:
    """A day, or an instant in UTC, as ISO 8601 and `ontem snapshots --json` have it."""
    return (at.astimezone(UTC) if isinstance(at, datetime) else at).isoformat()
