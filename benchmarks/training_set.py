"""A training set, Parquet to Parquet, against range windows of DuckDB and of Spark."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from statistics import mean

from benchmarks.night_world import night_world
from benchmarks.offline_files import event_files, training_files
from benchmarks.peers.compare import TrainingValues
from benchmarks.peers.plan import COUNTS, DISTINCTS, KINDS, kind_of, same_memory, seconds_of_a_kind
from benchmarks.peers.run import Peer, peer_of
from benchmarks.size import ORDERS, is_rehearsal
from benchmarks.warm_stack import DAYS, ImportedStack, imported_stack
from benchmarks.watched import START_OF_SPARK, WatchedRun, watched
from features_pkg import CATALOGUE
from features_pkg.definitions.velocity import Past
from stores.settings import Settings

PEERS = {
    "DuckDB's range windows": ("benchmarks.peers.duckdb_windows", (Past.RECENT, Past.DISTANT)),
    "Spark's `rangeBetween`": ("benchmarks.peers.spark_windows", (Past.RECENT,)),
}
SMALLER = 10
"""How many times as many orders the larger training set has."""
SHARES = {kind: sum(kind_of(v) == kind for v in CATALOGUE) / len(CATALOGUE) for kind in KINDS}
"""Which part of the catalogue each kind is."""


def measure() -> list[str]:
    """The lines of the section: ours, the peers in turn, and ours again."""
    is_there = night_world.cache_info().currsize  # of the nights in this process
    stack = night_world(ORDERS, DAYS).stack if is_there else imported_stack()
    settings = Settings.from_environ(stack.environ)
    stack.ontem("extract")
    runs = [_training_set(stack)]
    nanoseconds: dict[str, dict[str, float]] = {}
    rows = []
    for name, (module, pasts) in PEERS.items():
        with peer_of(module, event_files(stack), pasts, settings) as peer:
            _check(stack, runs[0], peer)
            nanoseconds[name] = _per_value(peer)
            rows.append(_row(name, peer, nanoseconds[name]))
    if is_rehearsal():
        return _page([*runs, *runs], runs[0], rows, nanoseconds)
    runs.append(_training_set(stack))
    small = imported_stack(ORDERS // SMALLER)
    small.ontem("extract")
    return _page(runs, _training_set(small), rows, nanoseconds)


def _training_set(stack: ImportedStack) -> WatchedRun:
    first_day = datetime.now(UTC).date() - timedelta(days=DAYS + 2)
    return watched(stack, "training-set", "--from", first_day.isoformat())


def _check(stack: ImportedStack, run: WatchedRun, peer: Peer) -> None:
    """Raises AssertionError unless the peer's values are those of the training set."""
    assert run.row.revision is not None
    values = TrainingValues(training_files(stack, run.row.revision))
    assert values.compared_rows, "no row could be compared"
    for piece, names in peer.pieces():
        values.check(piece, names)


def _per_value(peer: Peer) -> dict[str, float]:
    """The nanoseconds of a value by kind; a kind of which it has done nothing is left out."""
    return {
        kind: peer.seconds(kind) / (peer.features(kind) * ORDERS) * 1e9
        for kind in KINDS
        if peer.features(kind)
    }


def _of_the_mix(per_value: dict[str, float]) -> float | None:
    """The nanoseconds of a value of the catalogue."""
    if len(per_value) < len(KINDS):
        return None
    return sum(SHARES[kind] * per_value[kind] for kind in KINDS)


def _seconds(run: WatchedRun) -> float:
    """Those of reading events, counting and writing, as the peers': without the start of Spark."""
    return run.between(START_OF_SPARK)


def _nanoseconds(run: WatchedRun) -> float:
    return _seconds(run) / ((run.row.rows or 0) * len(CATALOGUE)) * 1e9


def _row(name: str, peer: Peer, per_value: dict[str, float]) -> str:
    cells = [f"{peer.features(kind)} | {_number(per_value.get(kind))}" for kind in KINDS]
    return f"| {name} | {' | '.join(cells)} | {_number(_of_the_mix(per_value))} |"


def _number(value: float | None) -> str:
    return "none in time" if value is None else f"{value:,.0f}"


def _page(
    runs: Sequence[WatchedRun],
    small: WatchedRun,
    rows: Sequence[str],
    nanoseconds: dict[str, dict[str, float]],
) -> list[str]:
    ours = mean(_nanoseconds(run) for run in runs)
    seconds = [_seconds(run) for run in runs]
    duckdb, spark = nanoseconds.values()
    worker = max(run.worker_bytes for run in runs)
    return [
        "## A training set against range windows",
        "",
        (
            f"{runs[0].row.rows or 0:,} of {ORDERS:,} generated orders of {DAYS} days, from the "
            f"Parquet of `events` to Parquet, without the start of Spark. Ontem took "
            f"{seconds[0]:.1f} s before the others and {seconds[1]:.1f} s after them, for the "
            f"{len(CATALOGUE)} velocities. The others have as many cores and as much memory "
            f"({same_memory() / 1e9:.0f} GB), begin no query after {seconds_of_a_kind():.0f} s of "
            "a kind, and bring what they have together in one row for each order. DuckDB has the "
            "recent and the distant windows of orders, Spark the recent ones, for its bounds are "
            "constants. All of their values were compared with Ontem's and are equal."
        ),
        "",
        (
            f"| nanoseconds a value | {COUNTS} | each | {DISTINCTS} | each "
            f"| as mixed in the catalogue ({SHARES[DISTINCTS]:.0%} {DISTINCTS}) |"
        ),
        "|---|---|---|---|---|---|",
        f"| `ontem training-set` | | | | | {ours:,.0f} |",
        *rows,
        "",
        *_ratios(ours, duckdb, spark),
        "",
        (
            f"{SMALLER} times the orders took **{mean(seconds) / _seconds(small):.1f} times** as "
            f"long (the goal is at most 11 times). One Spark worker had at most "
            f"**{worker / 1e9:.2f} GB** (at most 2), Java {runs[0].java_bytes / 1e9:.2f} GB."
        ),
    ]


def _ratios(ours: float, duckdb: dict[str, float], spark: dict[str, float]) -> list[str]:
    mixed, distinct = _of_the_mix(duckdb), spark.get(DISTINCTS)
    sentences = []
    if mixed is not None:
        sentences.append(
            f"A value took DuckDB **{mixed / ours:.1f} times** as long (the goal is 6 times)"
        )
    if distinct is not None:
        sentences.append(
            f"a distinct count of Spark's windows **{distinct / ours:.0f} times** as long as "
            "Ontem's mix (the goal is 100 times)"
        )
    return [f"{'; '.join(sentences)}."] if sentences else ["The others did nothing in time."]
