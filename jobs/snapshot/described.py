"""What the list of files says of rows that Spark has written: their keys, and their last days."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Final

import pyarrow.parquet as pq

from features_pkg.calendar import Calendar
from jobs.job import Job
from jobs.snapshot.activity import INSTANTS, last_days
from jobs.snapshot.stored_rows import ENTITY
from stores.offline.files import Files
from stores.offline.runs import Bounds, DataFile

_MOST_THREADS: Final = 8


def describe_rows(
    job: Job, files: Files, written: Sequence[DataFile]
) -> tuple[tuple[DataFile, ...], Counter[int]]:
    """The files with the bounds of their keys, and how many rows have their last event each day."""
    described, days = [], Counter[int]()
    with ThreadPoolExecutor(min(job.cores, _MOST_THREADS)) as pool:
        for file, of_file in pool.map(partial(_describe, files, job.settings.timezone), written):
            described.append(file)
            days.update(of_file)
    return tuple(described), days


def _describe(files: Files, timezone: str, file: DataFile) -> tuple[DataFile, Counter[int]]:
    calendar = Calendar(timezone)
    with files.open(file.key) as source:
        content = pq.ParquetFile(source)
        groups = range(content.num_row_groups)
        position = content.schema_arrow.get_field_index(ENTITY)  # no list comes before it
        columns = [content.metadata.row_group(group).column(position) for group in groups]
        ends = [column.statistics for column in columns]
        days: Counter[int] = Counter()
        for group in groups:
            days.update(last_days(content.read_row_group(group, list(INSTANTS)), calendar))
    if not all(each is not None and each.has_min_max for each in ends):
        return file, days
    lowest, highest = min(each.min for each in ends), max(each.max for each in ends)
    return replace(file, bounds=(Bounds(ENTITY, lowest.hex(), highest.hex()),)), days
