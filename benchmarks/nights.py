"""Nights against a Spark job that only counts, and what new orders and a longer history cost."""

import pyarrow.dataset as ds

from benchmarks.night_runs import (
    FULL,
    NightRuns,
    first_night,
    first_run,
    forget_runs,
    next_night,
    night_runs,
)
from benchmarks.night_world import FEW, NightWorld
from benchmarks.offline_files import event_files, snapshot_files
from benchmarks.peers.compare import parquet_files
from benchmarks.peers.counted import check_counts
from benchmarks.peers.run import plan_of, read_peer, run_until
from benchmarks.size import ORDERS, is_rehearsal
from benchmarks.warm_stack import DAYS
from benchmarks.watched import START_OF_SPARK, WatchedRun
from stores.settings import Settings

PEER = "benchmarks.peers.spark_night"
MOST_SECONDS = 3 * 3600
MOST_HALVED = 2_000_000
"""A longer history is not measured beside half of it, which takes as long as all else."""
EXTRACTION = "extract"
_measured: list[NightWorld] = []
"""The world of a run that lost too much time to other tenants."""


def measure() -> list[str]:
    """The lines of the section: a short history first, whose stack is gone when the long one is."""
    if _measured:
        forget_runs(_measured)
        _measured.clear()
    short = None if is_rehearsal() or ORDERS > MOST_HALVED else _short_history()
    _measured.append(first_night(ORDERS, DAYS))
    job_seconds = spark_job(_measured[0])
    runs = night_runs(ORDERS, DAYS)
    return [
        *_head(runs),
        *_against_spark(runs, job_seconds),
        *_new_orders(runs),
        *([] if short is None else _doubled(*short, runs)),
    ]


def _short_history() -> tuple[WatchedRun, WatchedRun]:
    """The first night of half the history, and one with as many new orders as the long one has."""
    world = first_night(ORDERS // 2, DAYS // 2)
    few, _ = next_night(world, "few")
    world.remove()
    return first_run(world), few


def spark_job(world: NightWorld) -> float:
    """The seconds of the Spark job over what the first night has read.

    Raises AssertionError where it has other entities than the night, or other counts.
    """
    day, settings = world.first_day, Settings.from_environ(world.stack.environ)
    revision = first_run(world).row.revision
    assert revision is not None
    with plan_of(event_files(world.stack), [("night", [day.isoformat()])], settings) as plan:
        run_until(PEER, plan.write(), MOST_SECONDS)
        counted = ds.dataset(parquet_files(plan.whole), format="parquet")
        check_counts(counted, snapshot_files(world.stack, revision), day.toordinal())
        seconds = read_peer(plan).join
    assert seconds is not None
    return seconds


def built_seconds(run: WatchedRun) -> float:
    """Those between the start of Spark and the first stage of publishing."""
    return run.between(START_OF_SPARK, "check", "Redis")


def _without_extraction(run: WatchedRun) -> float:
    return run.seconds - run.of(EXTRACTION)


def _head(runs: NightRuns) -> list[str]:
    table = {
        "all orders are new": runs.first,
        f"{FEW:,} are new": runs.few,
        "none is new": runs.quiet,
        f"{FEW * 2:,} are new, `{FULL}`": runs.more,
    }
    stages = dict.fromkeys(stage for run in table.values() for stage in run.row.seconds)
    written = (f"{run.row.written or 0:,}" for run in table.values())
    cells = [
        f"| {stage} | {' | '.join(_cell(run.row.seconds.get(stage)) for run in table.values())} |"
        for stage in stages
    ]
    return [
        "## Nights by what is new",
        "",
        (
            f"{runs.world.orders:,} generated orders of {DAYS} days have {runs.entities:,} "
            "entities. Then come nights of one shop, one after the other. Redis has rewritten its "
            "append-only file before each with new orders, as it does by itself when that has "
            "doubled, once in some nights."
        ),
        "",
        f"| seconds | {' | '.join(table)} |",
        f"|---|{'---|' * len(table)}",
        *cells,
        f"| all | {' | '.join(f'{run.seconds:.1f}' for run in table.values())} |",
        f"| entities written | {' | '.join(written)} |",
        "",
    ]


def _cell(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.1f}"


def _against_spark(runs: NightRuns, job_seconds: float) -> list[str]:
    built = built_seconds(runs.first)
    workers = max(run.worker_bytes for run in (runs.first, runs.few, runs.more))
    return [
        (
            "A Spark job that reads the same `events`, brings the rows of each entity together, "
            f"counts them in the windows of the catalogue and writes took {job_seconds:.1f} s, and "
            f"the first night without extraction, the start of Spark and publishing {built:.1f} s: "
            f"**{built / job_seconds:.1f} times** as long (the goal is at most 2.5 times). Both "
            "have the same entities, and of a thousand of them the same counts. One Spark worker "
            f"had at most **{workers / 1e9:.2f} GB** (at most 2), Java "
            f"{runs.first.java_bytes / 1e9:.2f} GB."
        ),
        "",
    ]


def _new_orders(runs: NightRuns) -> list[str]:
    written, all_entities = runs.few.row.written or 0, runs.few.row.rows or 1
    full = _without_extraction(runs.first)
    few, quiet = _without_extraction(runs.few), _without_extraction(runs.quiet)
    merchants = runs.few_new.merchants
    return [
        (
            f"The night with {FEW:,} new orders wrote {written:,} entities. PostgreSQL counts "
            f"{runs.few_new.of_identifiers:,} with a new event, beside {merchants} merchant's own: "
            f"{written / all_entities:.1%} were written, {1 - written / all_entities:.1%} "
            f"skipped. {runs.few.row.active or 0:,} are active, {runs.few.row.inactive or 0:,} "
            f"inactive. It took {few:.1f} s without extraction, a night "
            f"without a new event {quiet:.1f} s, and the first night {full:.1f} s: the difference "
            f"is **{(few - quiet) / full:.0%}** of it (the goal is at most 10%). The job and the "
            f"processes beside it had at most {runs.few.job_bytes / 1e9:.2f} GB each."
        ),
        "",
    ]


def _doubled(first: WatchedRun, few: WatchedRun, runs: NightRuns) -> list[str]:
    few_ratio = _without_extraction(runs.few) / _without_extraction(few)
    return [
        (
            f"With half the history ({DAYS // 2} days) and the same new orders the night took "
            f"{_without_extraction(few):.1f} s, so twice the history took "
            f"**{few_ratio:.2f} times** as long (the goal is at most 1.2 times). A full one took "
            f"{built_seconds(first):.1f} s to build, and "
            f"**{built_seconds(runs.first) / built_seconds(first):.1f} times** as long with twice "
            "the history."
        ),
    ]
