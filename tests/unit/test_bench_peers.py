"""Peers of a benchmark compute what a training set has, and one that does not is refused."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.peers.compare import TrainingValues
from benchmarks.peers.duckdb_windows import DuckDB
from benchmarks.peers.plan import (
    COUNTS,
    DISTINCTS,
    MOST_SECONDS,
    Plan,
    run_steps,
    seconds_of_a_kind,
    steps_of,
)
from benchmarks.peers.run import read_peer, run_until
from features_pkg import CATALOGUE, point_in_time
from features_pkg.definitions.velocity import Past
from features_pkg.identifiers import SINGLE_VALUED
from ontem.generating import generate

ORDERS = 600
ZONE, LAG = "America/Sao_Paulo", timedelta(hours=4)


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """What DuckDB has done: the windows of two identifiers over orders of forty days."""
    folder = tmp_path_factory.mktemp("peer")
    table = generate(ORDERS, 40, 1, datetime(2026, 1, 1, tzinfo=UTC))
    keys = {"order_pk": pa.array(range(ORDERS)), "kind": pa.array(["order"] * ORDERS)}
    columns = {name: table[name] for name in ("event_at", "amount_cents", *SINGLE_VALUED)}
    pq.write_table(pa.table(keys | columns), folder / "events.parquet")
    features = point_in_time(
        table.append_column("merchant_id", pa.array([1] * ORDERS)), timezone=ZONE, snapshot_lag=LAG
    )
    live = pa.array([False] * ORDERS)
    ours = features.append_column("order_pk", keys["order_pk"]).append_column("live", live)
    pq.write_table(ours, folder / "training_set.parquet")
    steps = steps_of((Past.RECENT, Past.DISTANT))
    plan = Plan(
        files=[str(folder / "events.parquet")],
        folder=str(folder),
        steps=[step for step in steps if step[1][0].startswith(("card", "seller"))],
        seconds=MOST_SECONDS,
        timezone=ZONE,
        lag_seconds=int(LAG.total_seconds()),
        cores=1,
        memory_mb=1_000,
    )
    run_steps(plan, DuckDB(plan))
    return plan


def test_steps_are_of_one_identifier_and_kind_and_have_the_windows_that_were_asked_for() -> None:
    recent, both = steps_of((Past.RECENT,)), steps_of((Past.RECENT, Past.DISTANT))

    assert len(recent) == len(both)
    for (kind, names), (_, all_names) in zip(recent, both, strict=True):
        assert set(names) < set(all_names)
        assert all(("_distinct_" in name) == (kind == DISTINCTS) for name in all_names)
    assert sum(len(names) for _, names in both) > 100


def test_the_windows_of_duckdb_have_the_values_of_a_training_set(plan: Plan) -> None:
    values = TrainingValues([f"{plan.folder}/training_set.parquet"])
    peer = read_peer(plan)

    assert values.compared_rows == ORDERS
    assert {kind for kind, _ in plan.steps} == {COUNTS, DISTINCTS}
    for piece, names in peer.pieces():
        values.check(piece, names)
    names = [name for _, step in plan.steps for name in step]
    assert peer.features(COUNTS) + peer.features(DISTINCTS) == len(names)
    assert set(pq.read_schema(plan.whole).names) == {"order_pk", *names}
    assert pq.read_metadata(plan.whole).num_rows == ORDERS


@pytest.mark.parametrize("wrong", ["a value", "a row that is missing"])
def test_a_peer_with_another_value_is_refused(plan: Plan, tmp_path: Path, wrong: str) -> None:
    table = pq.read_table(plan.piece(0))
    name = table.column_names[1]
    if wrong == "a value":
        other = pa.array([table[name][0].as_py() + 1, *table[name][1:].to_pylist()])
        table = table.set_column(1, name, other)
    pq.write_table(table.slice(wrong != "a value"), tmp_path / "piece.parquet")

    with pytest.raises(AssertionError, match=f"1 values of {name} differ"):
        TrainingValues([f"{plan.folder}/training_set.parquet"]).check(
            str(tmp_path / "piece.parquet"), [name]
        )


def test_rows_of_live_orders_are_not_compared(plan: Plan, tmp_path: Path) -> None:
    ours = pq.read_table(f"{plan.folder}/training_set.parquet")
    ours = ours.set_column(ours.num_columns - 1, "live", pa.array([True] * ORDERS))
    pq.write_table(ours, tmp_path / "live.parquet")

    assert TrainingValues([str(tmp_path / "live.parquet")]).compared_rows == 0


def test_a_kind_begins_no_step_once_its_time_is_over(tmp_path: Path) -> None:
    steps = [(COUNTS, ["card_orders_1h_recent"]), (COUNTS, ["user_orders_1h_recent"])]
    distinct = (DISTINCTS, ["device_distinct_card_orders_1h_recent"])
    plan = Plan(files=[], folder=str(tmp_path), steps=[*steps, distinct], seconds=1e-9)
    engine = Recorder()
    run_steps(plan, engine)

    assert engine.done == ["card_orders_1h_recent", "device_distinct_card_orders_1h_recent"]
    assert list(read_peer(plan).steps) == [0, 2]


def test_a_peer_that_was_ended_has_managed_what_it_noted(tmp_path: Path) -> None:
    plan = Plan(files=[], folder=str(tmp_path), steps=[(COUNTS, ["a", "b"])] * 2, seconds=1.0)
    noted = [{"step": 0, "seconds": 4.0}]
    (tmp_path / "times.jsonl").write_text("\n".join(map(json.dumps, noted)), encoding="utf-8")
    peer = read_peer(plan)

    assert (peer.features(COUNTS), peer.seconds(COUNTS), peer.join) == (2, 4.0, None)
    assert peer.features(DISTINCTS) == peer.seconds(DISTINCTS) == 0


def test_each_feature_bears_its_part_of_bringing_all_together(tmp_path: Path) -> None:
    steps = [(COUNTS, ["a", "b", "c"]), (DISTINCTS, ["d"])]
    plan = Plan(files=[], folder=str(tmp_path), steps=steps, seconds=1.0)
    noted = [{"step": 0, "seconds": 4.0}, {"step": 1, "seconds": 2.0}, {"join": 8.0}]
    (tmp_path / "times.jsonl").write_text("\n".join(map(json.dumps, noted)), encoding="utf-8")
    peer = read_peer(plan)

    assert (peer.seconds(COUNTS), peer.seconds(DISTINCTS)) == (4.0 + 6.0, 2.0 + 2.0)


def test_a_peer_is_ended_when_its_time_is_over(capfd: pytest.CaptureFixture[str]) -> None:
    run_until("http.server", "0", 0.01)

    assert "http.server was ended" in capfd.readouterr().err


def test_more_orders_have_more_time_up_to_a_limit() -> None:
    assert seconds_of_a_kind(1_000_000) == 60
    assert seconds_of_a_kind(10_000_000) == MOST_SECONDS


class Recorder:
    """An engine that notes what it is asked for."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def features(self, velocities: list[object], path: str) -> None:
        self.done += [velocity.name for velocity in velocities]  # type: ignore[attr-defined]

    def join(self, paths: list[str], path: str) -> None:
        pass


def test_the_catalogue_has_both_kinds() -> None:
    names = {name for _, step in steps_of((Past.RECENT, Past.DISTANT)) for name in step}

    assert names < {velocity.name for velocity in CATALOGUE}
