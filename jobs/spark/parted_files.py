"""Rows divided among parts, in files that workers write and read: Java moves their names alone."""

import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, TypeVar

import numpy as np
import pyarrow as pa
from pyspark.sql import SparkSession

from features_pkg.array_types import Ints
from stores.offline.files import Files

FACTOR: Final = np.uint64(0xD1B54A32D192ED03)
"""Multiplied by this odd number, the upper bits of a key are spread evenly (Knuth, 6.4)."""
HALF: Final = np.uint64(32)
MOST_SHORT: Final = 2**16
"""Fewer parts have numbers that are sorted digit by digit, which is much faster."""

Result = TypeVar("Result")


def divided(keys: Ints, parts: int) -> tuple[Ints, list[tuple[int, int]]]:
    """The rows of these keys, those of one part after those of another; and where each part is.

    All parts are about equally full, also of keys that are counted up.
    """
    spread = keys.astype(np.int64).view(np.uint64) * FACTOR >> HALF
    part = (spread % np.uint64(parts)).astype(np.uint16 if parts < MOST_SHORT else np.int64)
    by_part = np.argsort(part, kind="stable")
    ends = np.searchsorted(part[by_part], np.arange(parts + 1)).tolist()
    return by_part, list(pairwise(ends))


@dataclass(frozen=True, slots=True)
class PartedFiles:
    """Files in a folder of the offline store; each has an Arrow batch for every part.

    They are there while a run lasts. A file has a name that no other attempt at a task gives.
    """

    files: Files
    folder: str
    parts: int

    def write_rows(self, rows: pa.Table, key: str) -> str:
        """The file of some rows, divided by a column of integers without null."""
        by_part, bounds = divided(rows[key].to_numpy(), self.parts)
        columns = [column.combine_chunks() for column in rows.take(pa.array(by_part)).columns]
        batch = pa.record_batch(columns, schema=rows.schema)
        return self.write(batch.slice(start, end - start) for start, end in bounds)

    def write(self, batches: Iterable[pa.RecordBatch]) -> str:
        """The file of these batches, one for each part in turn."""
        key = f"{self.folder}/{uuid.uuid4().hex}.arrow"
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        rest = iter(batches)
        first = next(rest)
        with (
            self.files.create(key) as sink,
            pa.ipc.new_file(sink, first.schema, options=options) as writer,
        ):
            writer.write_batch(first)
            for batch in rest:
                writer.write_batch(batch)
        return key

    def read(self, keys: Sequence[str], part: int) -> Iterator[pa.RecordBatch]:
        """The batch of one part in each of these files."""
        for key in keys:
            with self.files.open(key) as source:
                yield pa.ipc.open_file(source).get_batch(part)


def on_workers(spark: SparkSession, parts: int, work: Callable[[int], Result]) -> list[Result]:
    """What `work` returns for each part, in their order; a task each."""
    results: list[Any] = spark.sparkContext.parallelize(range(parts), parts).map(work).collect()
    return results
