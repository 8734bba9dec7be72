"""Rows of some entities, or of a range of keys, out of the files of a chain."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import jobs.snapshot.part_files
from jobs.snapshot.errors import SnapshotDamaged
from jobs.snapshot.part_files import ends_of_part, parts_of_keys, write_part
from jobs.snapshot.stored_rows import Keys, all_stored, newest_stored
from stores.offline.files import Files, open_files
from stores.offline.runs import DataFile
from tests.integration.offline_runs import Place

COLUMNS = ("entity", "state")


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Files:
    monkeypatch.setattr(jobs.snapshot.part_files, "ROWS_OF_A_GROUP", 7)
    return open_files(tmp_path.as_uri(), Place("", ""))


def some_keys(number: int, seed: int) -> list[bytes]:
    """Random keys, some of which share their first 8 bytes, or have the lowest or highest ones."""
    content = np.random.default_rng(seed).bytes(24 * number)
    keys = [content[at : at + 24] for at in range(0, len(content), 24)]
    keys += [key[:8] + bytes(reversed(key[8:])) for key in keys[:5]]
    return sorted({*keys, bytes(24), b"\xff" * 24})


def a_link(files: Files, keys: Sequence[bytes], state: str, parts: int) -> tuple[DataFile, ...]:
    """A snapshot of these keys, in so many files."""
    part = parts_of_keys(Keys.of(pa.array(keys)).prefixes, parts)
    written = []
    for number in range(parts):
        own = [key for key, its_part in zip(keys, part, strict=True) if its_part == number]
        rows = pa.table({"entity": own, "state": [state.encode()] * len(own)})
        if own:
            written.append(write_part(files, "runs/snapshots/r", date(2018, 6, 1), rows))
    return tuple(written)


def test_of_each_key_the_newest_row_is_found_and_no_other(files: Files) -> None:
    full, newer, newest = some_keys(300, 1), some_keys(300, 1)[::7], some_keys(20, 2)
    links = [
        a_link(files, newest, "newest", 3),
        (),
        a_link(files, newer, "newer", 2),
        a_link(files, full, "full", 8),
    ]
    strangers = some_keys(20, 3)[1:-1]
    wanted = [*full[::3], *newest[::2], *strangers]

    found = newest_stored(files, links, pa.chunked_array([wanted], pa.binary()), COLUMNS)

    right = dict.fromkeys(full, b"full") | dict.fromkeys(newer, b"newer")
    right |= dict.fromkeys(newest, b"newest")
    assert found is not None
    assert found.num_rows == len({*wanted} & {*right})
    rows = dict(zip(found["entity"].to_pylist(), found["state"].to_pylist(), strict=True))
    assert rows == {key: right[key] for key in {*wanted} & {*right}}


def test_a_chain_that_has_none_of_them_has_nothing(files: Files) -> None:
    links = [a_link(files, some_keys(30, 1)[1:-1], "full", 4)]
    assert newest_stored(files, links, pa.array(some_keys(9, 3)[1:-1]), COLUMNS) is None


@pytest.mark.parametrize("parts", [1, 3, 8])
def test_each_row_is_in_one_range_however_the_files_are_divided(files: Files, parts: int) -> None:
    keys = some_keys(300, 1)
    link = a_link(files, keys, "full", 5)
    schema = pa.schema([("entity", pa.binary()), ("state", pa.binary())])
    found = [
        key
        for part in range(parts)
        for file in link
        for table in all_stored(files, file, ends_of_part(part, parts), schema)
        for key in table["entity"].to_pylist()
    ]

    assert sorted(found) == keys


def test_a_page_that_has_changed_is_found(files: Files) -> None:
    (file,) = a_link(files, some_keys(30, 1), "full", 1)
    content = bytearray(files.read(file.key))
    with files.open(file.key) as source:
        of_entities = pq.ParquetFile(source).metadata.row_group(0).column(1)
    content[of_entities.data_page_offset + of_entities.total_compressed_size // 2] ^= 1
    files.write(file.key, bytes(content))

    with pytest.raises(SnapshotDamaged, match="not what was committed"):
        newest_stored(files, [(file,)], pa.array(some_keys(30, 1)), COLUMNS)
    schema = pa.schema([("entity", pa.binary())])
    with pytest.raises(SnapshotDamaged, match="not what was committed"):
        list(all_stored(files, file, ends_of_part(0, 1), schema))
