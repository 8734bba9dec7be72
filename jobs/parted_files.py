"""Rows divided among parts, and the files in which workers hand them to each other.

Java moves the names of the files alone.
"""

import uuid
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features_pkg.array_types import Ints
from stores.offline.files import Files

SHUFFLED: Final = "shuffled"
"""The folder, in that of a run, of the files that are there while it lasts."""
FACTOR: Final = np.uint64(0xD1B54A32D192ED03)
"""Multiplied by this odd number, the upper bits of a key are spread evenly (Knuth, 6.4)."""
HALF: Final = np.uint64(32)
FILES_AT_ONCE: Final = 16
MOST_SHORT: Final = 2**16
"""Fewer parts have numbers that are sorted digit by digit, which is much faster."""


class Division(NamedTuple):
    """The numbers of rows, those of one part after those of another; and where each part is."""

    rows: Ints
    bounds: list[tuple[int, int]]

    def batches(self, table: pa.Table) -> Iterator[pa.RecordBatch]:
        """The rows of a table, one batch for each part in turn."""
        columns = [column.combine_chunks() for column in table.take(pa.array(self.rows)).columns]
        batch = pa.record_batch(columns, schema=table.schema)
        return (batch.slice(start, end - start) for start, end in self.bounds)


def divided(keys: Ints, parts: int) -> Division:
    """The rows of these keys, divided so that all parts are about equally full.

    So they are, too, if the keys are counted up.
    """
    spread = keys.astype(np.int64).view(np.uint64) * FACTOR >> HALF
    return by_part(spread % np.uint64(parts), parts)


def by_part(part: Ints | NDArray[np.uint64], parts: int) -> Division:
    """The rows whose parts have these numbers."""
    small = part.astype(np.uint16 if parts < MOST_SHORT else np.int64)
    rows = np.argsort(small, kind="stable")
    ends = np.searchsorted(small[rows], np.arange(parts + 1)).tolist()
    return Division(rows, list(pairwise(ends)))


@dataclass(frozen=True, slots=True)
class PartedFiles:
    """Files in a folder of the offline store; each has an Arrow batch for every part.

    They are there while a run lasts. A file has a name that no other attempt at a task gives.
    """

    files: Files
    folder: str
    parts: int

    @contextmanager
    def while_there(self) -> Iterator[None]:
        """Remove the files at the end, also after an error.

        Workers may still write then, so that the folder can't be removed or appears again. The
        error stays what it is, and `ontem store clean` removes what is left.
        """
        try:
            yield
        except BaseException:
            with suppress(OSError):
                self.files.delete_folder(self.folder)
            raise
        self.files.delete_folder(self.folder)

    def write_rows(self, rows: pa.Table, key: str) -> str:
        """The file of some rows, divided by a column of integers without null."""
        return self.write(divided(rows[key].to_numpy(), self.parts).batches(rows))

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
        """The batch of one part in each of these files, in their order.

        In a bucket each takes four requests, one after the other: those of some files are made at a
        time, and so many batches are in memory.
        """
        if self.files.is_folder:
            yield from (self._batch(part, key) for key in keys)
            return
        waiting: deque[Future[pa.RecordBatch]] = deque()
        with ThreadPoolExecutor(FILES_AT_ONCE) as pool:
            for key in keys:
                waiting.append(pool.submit(self._batch, part, key))
                if len(waiting) >= FILES_AT_ONCE:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def _batch(self, part: int, key: str) -> pa.RecordBatch:
        with self.files.open(key) as source:
            return pa.ipc.open_file(source).get_batch(part)
