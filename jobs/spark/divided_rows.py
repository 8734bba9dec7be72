"""The rows of a partition as tables that fit into memory, however full it is."""

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import chain
from typing import IO, Final

import numpy as np
import pyarrow as pa

MOST_HELD_BYTES: Final = 400_000_000
"""So much of a partition is held in memory; a part of as many orders as it should have is less."""
FILES: Final = 32
"""A partition that has more is divided into so many files."""
BITS: Final = np.uint64(64 - 5)
FACTOR: Final = np.uint64(0x9E3779B97F4A7C15)
"""Multiplied by this odd number, the upper bits of a key are spread evenly (Knuth, 6.4)."""


def divided_rows(
    batches: Iterable[pa.RecordBatch], key: str, most_bytes: int = MOST_HELD_BYTES
) -> Iterator[pa.Table]:
    """All rows, in one table or several; those with an equal `key`, an integer, are in one.

    Several where the rows have more than `most_bytes`: then they lie in files meanwhile, in Spark's
    folder for such, and each file is a table. It has no name there, and so leaves nothing behind.
    """
    rest = iter(batches)
    held: list[pa.RecordBatch] = []
    size = 0
    for batch in rest:
        held.append(batch)
        size += batch.nbytes
        if size > most_bytes:
            yield from _through_files(_groups(held, rest, most_bytes // 8), batch.schema, key)
            return
    if held:
        yield pa.Table.from_batches(held)


def _groups(
    held: list[pa.RecordBatch], rest: Iterator[pa.RecordBatch], least_bytes: int
) -> Iterator[pa.Table]:
    """All batches in tables of so many bytes, but for the last one; `held` is emptied."""
    group: list[pa.RecordBatch] = []
    size = 0
    for batch in chain(_popped(held), rest):
        group.append(batch)
        size += batch.nbytes
        if size >= least_bytes:
            yield pa.Table.from_batches(group)
            group, size = [], 0
    if group:
        yield pa.Table.from_batches(group)


def _popped(held: list[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    while held:
        yield held.pop()


def _through_files(groups: Iterator[pa.Table], schema: pa.Schema, key: str) -> Iterator[pa.Table]:
    with ExitStack() as opened:
        files = [opened.enter_context(_new_file()) for _ in range(FILES)]
        with ExitStack() as writing:
            writers = [writing.enter_context(_writer(file, schema)) for file in files]
            for group in groups:
                _write(group, key, writers)
        for file in files:
            file.seek(0)
            rows = pa.ipc.open_stream(pa.PythonFile(file, mode="r")).read_all()
            if rows.num_rows:
                yield rows


def _new_file() -> IO[bytes]:
    folders = os.environ.get("SPARK_LOCAL_DIRS", "")
    return tempfile.TemporaryFile(dir=folders.split(",")[0] or None)


def _writer(file: IO[bytes], schema: pa.Schema) -> pa.ipc.RecordBatchStreamWriter:
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    return pa.ipc.new_stream(pa.PythonFile(file, mode="w"), schema, options=options)


def _write(group: pa.Table, key: str, writers: list[pa.ipc.RecordBatchStreamWriter]) -> None:
    """Write each row of a group into the file of its key."""
    keys = group[key].to_numpy().astype(np.int64).view(np.uint64)
    file = ((keys * FACTOR) >> BITS).astype(np.int64)
    by_file = np.argsort(file, kind="stable")
    rows = group.take(pa.array(by_file)).combine_chunks()
    bounds = np.searchsorted(file[by_file], np.arange(FILES + 1))
    for writer, start, end in zip(writers, bounds[:-1], bounds[1:], strict=True):
        if start < end:
            writer.write_table(rows.slice(start, end - start))
