"""Files that are not what an import can read twice: pipes, and files that change meanwhile."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pytest

from jobs.importing.errors import FileUnreadable, RejectsNotWritable
from jobs.importing.refusals import Refusal
from jobs.importing.rejects import RejectsFile
from jobs.importing.source import Source, open_source
from tests.unit.odd_files import a_parquet, columns

TEXT = "order_id,event_at,amount_cents\na,2024-03-01T12:00:00Z,1990\n"


def a_csv(folder: Path) -> Path:
    path = folder / "orders.csv"
    path.write_text(TEXT)
    return path


def read(source: Source) -> int:
    return sum(batch.rows.num_rows for batch in source.batches(["order_id"]))


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_file_that_is_replaced_while_it_is_read_is_refused(tmp_path: Path, kind: str) -> None:
    path = a_csv(tmp_path) if kind == "csv" else a_parquet(tmp_path, pa.table(columns()))
    unchanged, replaced = open_source(path), open_source(path)
    assert read(unchanged) == 1

    newer = path.with_suffix(".new")
    newer.write_bytes(path.read_bytes())
    newer.replace(path)

    with pytest.raises(FileUnreadable, match="it changed while it was read: import it when"):
        read(replaced)


def test_a_file_that_grows_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = a_csv(tmp_path)
    source = open_source(path)

    path.write_text(TEXT + "b,2024-03-01T12:00:00Z,19")

    with pytest.raises(FileUnreadable, match="it changed while it was read"):
        read(source)


def test_a_pipe_is_refused_and_not_read(tmp_path: Path) -> None:
    pipe = tmp_path / "orders.csv"
    os.mkfifo(pipe)

    with pytest.raises(FileUnreadable, match="not a regular file, and is read more than once"):
        open_source(pipe)


@pytest.mark.parametrize("name", ["orders.csv", "a-link.csv"])
def test_refused_rows_never_overwrite_another_file(tmp_path: Path, name: str) -> None:
    path = a_csv(tmp_path)
    (tmp_path / "a-link.csv").symlink_to(path)

    with pytest.raises(RejectsNotWritable, match="has something else than refused rows"):
        RejectsFile(tmp_path / name)

    assert path.read_text() == TEXT
    assert (tmp_path / name).exists()


def test_a_file_that_begins_with_a_blank_line_is_not_empty(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("\nnotes\n")

    with pytest.raises(RejectsNotWritable):
        RejectsFile(path)


def test_refused_rows_never_replace_a_device(tmp_path: Path) -> None:
    pipe = tmp_path / "null"
    os.mkfifo(pipe)

    with pytest.raises(RejectsNotWritable, match="it is not a regular file"):
        RejectsFile(pipe)

    assert pipe.is_fifo()


def test_older_refused_rows_and_an_empty_file_are_replaced(tmp_path: Path) -> None:
    path = tmp_path / "rejects.csv"
    path.touch()

    for order_id in ("a", "b"):
        rejects = RejectsFile(path)
        assert not path.exists()
        rejects.add(Refusal(1, order_id, "event_at", "is missing"))
        rejects.close()

    assert path.read_text().splitlines() == [
        "row,order_id,field,reason", "1,b,event_at,is missing",
    ]  # fmt: skip
