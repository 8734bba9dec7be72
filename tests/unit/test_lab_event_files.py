"""Of the files of `events` the lab reads little, and gets the rows that reading all gives."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from jobs.extract.rows import CHARGEBACK, EVALUATION, EVENT_ROWS, KINDS, ORDER
from ontem.lab.event_files import OF_EVALUATIONS, rows_by_kind
from stores.offline.files import Files, open_files
from tests.integration.offline_runs import Place

COLUMNS = ("order_pk", "recorded_key", "amount_cents", *OF_EVALUATIONS)
WATERMARK = 100
EVALUATED: dict[str, Any] = {
    "evaluated_at": 7, "evaluation_key": 8, "load_as_of": 9, "stale_days": 1,
    "missing": ["recent"], "visible": [3],
}  # fmt: skip

FILES: dict[str, list[dict[str, Any]]] = {
    "orders": [{"kind": ORDER, "recorded_key": 1}, {"kind": ORDER, "recorded_key": 2}],
    "orders of which one is evaluated": [
        {"kind": ORDER, "recorded_key": 1},
        {"kind": ORDER, "recorded_key": 2, **EVALUATED},
    ],
    "orders, one at the watermark": [
        {"kind": ORDER, "recorded_key": WATERMARK - 1},
        {"kind": ORDER, "recorded_key": WATERMARK},
    ],
    "rows of two kinds": [
        {"kind": ORDER, "recorded_key": 1},
        {"kind": CHARGEBACK, "recorded_key": 2},
        {"kind": ORDER, "recorded_key": 3},
    ],
    "rows of kinds between which others lie": [
        {"kind": CHARGEBACK, "recorded_key": 1},
        {"kind": EVALUATION, "recorded_key": 2, **EVALUATED},
        {"kind": ORDER, "recorded_key": WATERMARK + 1},
    ],
    "late evaluations": [{"kind": EVALUATION, "recorded_key": 5, **EVALUATED}],
    "nothing": [],
}


def a_file(rows: list[dict[str, Any]]) -> pa.Table:
    numbered = [
        {"order_pk": row, "amount_cents": 100 * row, **each} for row, each in enumerate(rows)
    ]
    return pa.Table.from_pylist(numbered, schema=EVENT_ROWS)


def write(files: Files, name: str, table: pa.Table, **options: Any) -> str:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, **options)
    files.write(f"{name}.parquet", sink.getvalue())
    return f"{name}.parquet"


def read_all(tables: list[pa.Table]) -> dict[str, pa.Table]:
    """What the rows are, without a look at what a file says of itself."""
    rows = pa.concat_tables(tables)
    rows = rows.filter(pc.less(rows["recorded_key"], WATERMARK))
    return {kind: rows.filter(pc.equal(rows["kind"], kind)).select(COLUMNS) for kind in KINDS}


@pytest.mark.parametrize(
    "options",
    [{}, {"write_statistics": False}, {"write_statistics": ["kind"]}, {"row_group_size": 1}],
    ids=[
        "as they are extracted",
        "without statistics",
        "with those of kinds",
        "in groups of one row",
    ],
)
@pytest.mark.parametrize("names", [*([name] for name in FILES), list(FILES)], ids=" and ".join)
def test_the_rows_below_the_watermark_come_by_their_kind(
    names: list[str], options: dict[str, Any], tmp_path: Path
) -> None:
    files = open_files(tmp_path.as_uri(), Place("", ""))
    tables = [a_file(FILES[name]) for name in names]
    keys = [write(files, str(number), table, **options) for number, table in enumerate(tables)]

    found = rows_by_kind(files, keys, COLUMNS, WATERMARK)

    expected = read_all(tables)
    assert list(found) == list(KINDS)
    for kind in KINDS:
        assert found[kind].schema == pa.schema([EVENT_ROWS.field(name) for name in COLUMNS])
        assert found[kind].to_pylist() == expected[kind].to_pylist(), kind
