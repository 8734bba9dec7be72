"""The rows of a snapshot: a part of the ring reads its own, of whichever files they are in."""

import random
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.snapshot.errors import SnapshotDamaged
from jobs.snapshot.rows import read_pieces
from stores.offline.files import Files, open_files
from stores.offline.runs import Bounds, DataFile, describe_files
from stores.redis.keys import GROUPS
from stores.redis.ring import place_ranges

CHOICE = random.Random(3)  # noqa: S311  no secret
KEYS = sorted(CHOICE.randbytes(24) for _ in range(2_000))
BUCKETS = 50


@dataclass(frozen=True)
class Place:
    """No S3 at all."""

    s3_endpoint: str = ""
    s3_region: str = ""


def files_of(folder: Path, parts: list[list[bytes]]) -> tuple[Files, tuple[DataFile, ...]]:
    (folder / "run").mkdir()
    for number, keys in enumerate(parts):
        rows = pa.table(
            {"entity": pa.array(keys, pa.binary()), "timeline": pa.array(keys, pa.binary())}
        )
        pq.write_table(rows, folder / "run" / f"part-{number}.parquet", row_group_size=300)
    files = open_files(folder.as_uri(), Place())
    return files, describe_files(files, "run")


@pytest.mark.parametrize(
    "parts",
    [[KEYS], [KEYS[:700], KEYS[700:]], [KEYS[0::3], KEYS[1::3], KEYS[2::3]]],
    ids=["one file", "a range each", "spread"],
)
@pytest.mark.parametrize("ranges", [1, 7])
def test_all_ranges_have_all_rows_once_and_in_order(
    tmp_path: Path, parts: list[list[bytes]], ranges: int
) -> None:
    files, described = files_of(tmp_path, parts)

    pieces = [
        piece
        for first, end in place_ranges(BUCKETS, ranges)
        for piece in read_pieces(files, [described], BUCKETS, first, end)
    ]

    assert [key for piece in pieces for key in piece.keys.to_pylist()] == KEYS
    assert [piece.keys for piece in pieces] == [piece.timelines for piece in pieces]
    places = [place for piece in pieces for place in range(piece.first, piece.end)]
    assert places == list(range(GROUPS * BUCKETS))


def test_an_entity_that_two_files_have_is_refused(tmp_path: Path) -> None:
    files, described = files_of(tmp_path, [KEYS, [KEYS[3]]])

    with pytest.raises(SnapshotDamaged, match="appears twice"):
        list(read_pieces(files, [described], BUCKETS, 0, GROUPS * BUCKETS))


def test_a_range_opens_the_files_alone_that_may_have_its_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or a worker would have all files of a long chain open at once."""
    parts = [KEYS[start : start + 50] for start in range(0, 2000, 50)]
    files, found = files_of(tmp_path, parts)
    ends = {f"run/part-{number}.parquet": (keys[0], keys[-1]) for number, keys in enumerate(parts)}
    described = [
        replace(file, bounds=(Bounds("entity", *(key.hex() for key in ends[file.key])),))
        for file in found
    ]
    opened, read, rows = [], type(files).open, 0

    def noted(self: Files, key: str) -> pa.NativeFile:
        opened.append(key)
        return read(self, key)

    monkeypatch.setattr(type(files), "open", noted)
    for first, end in place_ranges(BUCKETS, 20):
        opened.clear()
        rows += sum(
            len(piece.keys) for piece in read_pieces(files, [described], BUCKETS, first, end)
        )
        assert 2 <= len(opened) <= 5
    assert rows == len(KEYS)
