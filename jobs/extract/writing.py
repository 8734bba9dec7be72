"""Chunks of lines into Parquet files of a run folder, by several processes at once."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features_pkg.entity_keys import EntityKeys
from features_pkg.identifiers import IDENTIFIERS, MERCHANT
from jobs.extract.errors import ExtractWorkersLost
from jobs.extract.rows import DIFFERENT_IN_EACH_ORDER, EVENT_ROWS, Chunk, event_rows
from jobs.processes import map_in_order
from stores.offline.files import Files
from stores.offline.runs import Bounds, DataFile

_FIELDS: Final = [
    (f"{field.name}.list.element" if pa.types.is_list(field.type) else field.name, field.name)
    for field in EVENT_ROWS
]
"""The names of the columns in a file, and in a table."""
_OTHERS: Final = [path for path, name in _FIELDS if name not in (MERCHANT, *IDENTIFIERS)]
_PARQUET: Final = {
    # Of random keys bounds say nothing, and nothing but repeated ones makes them smaller.
    "compression": {path: "zstd" if path in _OTHERS else "none" for path, _ in _FIELDS},
    "write_statistics": _OTHERS,
    "use_dictionary": [path for path, name in _FIELDS if name not in DIFFERENT_IN_EACH_ORDER],
    "dictionary_pagesize_limit": 4 << 20,
    "write_page_checksum": True,
}


BOUNDED: Final = ("event_at", "order_pk")
"""The columns of which the list of files has bounds."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where files go, and what their entities are keyed with. Other processes get it as it is."""

    files: Files
    folder: str
    secret: bytes
    timelines: str

    def __repr__(self) -> str:
        return f"Target({self.files.url!r}, {self.folder!r})"


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A file, and how many rows of each kind it has."""

    file: DataFile
    kinds: "Counter[str]"


def write_chunks(chunks: Iterator[Chunk], target: Target, processes: int) -> list[WrittenFile]:
    """A file for each chunk, in their order. Raises ExtractWorkersLost."""
    numbered = ((number, chunk, target) for number, chunk in enumerate(chunks))
    try:
        return list(map_in_order(_write, numbered, processes=processes))
    except BrokenProcessPool:
        raise ExtractWorkersLost(processes=processes) from None


def _write(task: tuple[int, Chunk, Target]) -> WrittenFile:
    number, chunk, target = task
    # Arrow's own pool gives memory back after each chunk; to get it again costs a seventh more.
    pa.set_memory_pool(pa.system_memory_pool())
    keys = EntityKeys(target.secret, target.timelines)
    table = event_rows(chunk, keys)
    content = _parquet(table)
    key = f"{target.folder}/part-{number:05d}.parquet"
    target.files.write(key, content)
    sha256 = hashlib.sha256(content).hexdigest()
    file = DataFile(
        key=key, rows=table.num_rows, bytes=len(content), sha256=sha256, bounds=_bounds(table)
    )
    kinds = pc.value_counts(table["kind"]).to_pylist()
    return WrittenFile(file, Counter({each["values"]: each["counts"] for each in kinds}))


def _bounds(table: pa.Table) -> tuple[Bounds, ...]:
    """What a night looks for in files of before: the days that they are of, and their orders."""
    columns = {name: table[name].cast(pa.int64()) for name in BOUNDED}
    ends = {name: pc.min_max(column).as_py() for name, column in columns.items()}
    return tuple(Bounds(name, end["min"], end["max"]) for name, end in ends.items())


def _parquet(table: pa.Table) -> memoryview:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, **_PARQUET)
    return memoryview(sink.getvalue())
