"""Rows that go through files: every part has its own, each once, and no attempt touches another."""

from __future__ import annotations

import errno
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features_pkg.identifiers import Identifier
from features_pkg.shuffle import Pieces, packed, unpacked
from jobs import parted_files
from jobs.parted_files import FILES_AT_ONCE, PartedFiles, divided
from jobs.training_set.writing import packed_by_part
from stores.offline.files import Files, open_files
from tests.s3 import S3Server, a_bucket

PARTS = 3


@pytest.fixture
def shuffled(tmp_path: Path) -> PartedFiles:
    return PartedFiles(_files(tmp_path), "runs/training_sets/r1/shuffled", PARTS)


def _files(folder: Path) -> Files:
    return open_files(folder.as_uri(), SimpleNamespace(s3_endpoint="", s3_region=""))


def rows(*keys: int) -> pa.Table:
    lists = [[key, key + 1] if key % 2 else None for key in keys]
    return pa.table(
        {"key": pa.array(keys, pa.int64()), "list": pa.array(lists, pa.list_(pa.int64()))}
    )


def test_each_row_is_in_the_part_of_its_key_in_whichever_file(shuffled: PartedFiles) -> None:
    first, second = rows(*range(-20, 40)), rows(*range(30, 90))
    files = [shuffled.write_rows(table, "key") for table in (first, second, rows())]

    parts = [pa.Table.from_batches(shuffled.read(files, part)) for part in range(PARTS)]

    found = pa.concat_tables(parts).sort_by("key").to_pylist()
    assert found == pa.concat_tables([first, second]).sort_by("key").to_pylist()
    keys = [set(part["key"].to_pylist()) for part in parts]
    assert all(keys)
    assert sum(map(len, keys)) == len(set.union(*keys)) == 110


def test_two_attempts_at_a_batch_have_files_of_their_own(shuffled: PartedFiles) -> None:
    first, second = (shuffled.write_rows(rows(1, 2), "key") for _ in range(2))

    assert first != second
    assert set(shuffled.files.list(shuffled.folder)) == {first, second}


def test_an_error_stays_what_it_is_where_a_worker_still_writes(
    shuffled: PartedFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    delete_folder = Files.delete_folder

    def meet_a_late_file(files: Files, folder: str) -> None:
        delete_folder(files, folder)
        raise OSError(errno.ENOTEMPTY, "Directory not empty", folder)

    def interrupted() -> None:
        with shuffled.while_there():
            shuffled.write_rows(rows(1, 2), "key")
            raise KeyboardInterrupt

    monkeypatch.setattr(Files, "delete_folder", meet_a_late_file)
    with pytest.raises(KeyboardInterrupt):
        interrupted()

    assert shuffled.files.list(shuffled.folder) == ()


def test_in_a_bucket_several_files_are_waited_for_at_a_time(
    s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3.variables.items():
        monkeypatch.setenv(name, value)
    tables = [rows(*range(10 * number, 10 * number + 9)) for number in range(2 * FILES_AT_ONCE)]
    together, open_one = threading.Barrier(FILES_AT_ONCE, timeout=60), Files.open

    def open_with_others(files: Files, key: str) -> pa.NativeFile:
        together.wait()
        return open_one(files, key)

    with a_bucket(s3) as bucket:
        address = SimpleNamespace(s3_endpoint=s3.endpoint, s3_region="")
        shuffled = PartedFiles(open_files(f"s3://{bucket}/store", address), "shuffled", 1)
        keys = [shuffled.write_rows(table, "key") for table in tables]
        monkeypatch.setattr(Files, "open", open_with_others)
        found = list(shuffled.read(keys, 0))

    assert [min(batch["key"].to_pylist()) // 10 for batch in found] == list(range(len(tables)))


@pytest.mark.parametrize("most_short", [2**16, 2])
@pytest.mark.parametrize("step", [1, 2, 10])
def test_keys_that_are_counted_up_fill_all_parts_alike(
    step: int, most_short: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parted_files, "MOST_SHORT", most_short)
    keys = np.arange(10**5) * step - 1

    order, bounds = divided(keys, 10)

    assert sorted(order.tolist()) == list(range(len(keys)))
    assert bounds[0][0] == 0
    assert bounds[-1][1] == len(keys)
    assert all(9_000 < end - start < 11_000 for start, end in bounds)


NUMBERS = st.lists(st.integers(-(2**63), 2**63 - 1), max_size=9)


@given(orders=NUMBERS, others=NUMBERS, parts=st.integers(1, 5))
def test_pieces_are_the_same_after_they_were_packed_by_part(
    orders: list[int], others: list[int], parts: int
) -> None:
    pieces = [a_piece(Identifier.CARD, orders, 3), a_piece(Identifier.PRODUCT, others, 2)]

    found = [
        piece for batch in packed_by_part(pieces, parts) for piece in unpacked(through_ipc(batch))
    ]

    assert {each.identifier for each in found} <= {Identifier.CARD, Identifier.PRODUCT}
    for piece in pieces:
        same = [each for each in found if each.identifier is piece.identifier]
        assert by_order(same) == by_order([piece])


def test_nothing_is_packed_as_nothing() -> None:
    assert packed([a_piece(Identifier.CARD, [], 3)]).num_rows == 0


def a_piece(identifier: Identifier, orders: list[int], width: int) -> Pieces:
    order_pk = np.array(orders, np.int64)
    values = np.arange(width * len(orders), dtype=np.int64).reshape(width, -1)
    return Pieces(identifier, order_pk, values.reshape(width, len(orders)))


def by_order(pieces: list[Pieces]) -> list[list[int]]:
    return sorted(
        [order, *column]
        for each in pieces
        for order, column in zip(each.order_pk.tolist(), each.values.T.tolist(), strict=True)
    )


def through_ipc(batch: pa.RecordBatch) -> pa.RecordBatch:
    return pa.ipc.read_record_batch(batch.serialize(), batch.schema)
