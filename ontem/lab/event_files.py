"""Rows of the files of `events` by their kind; what is null by a file's footer is not read."""

from collections.abc import Iterable, Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from jobs.extract.rows import EVENT_ROWS, KINDS
from stores.offline.files import Files

EVALUATED: Final = "evaluated_at"
OF_EVALUATIONS: Final = (
    EVALUATED, "evaluation_key", "load_as_of", "stale_days", "missing", "visible",
)  # fmt: skip
"""The columns of an evaluation: without one all of them are null."""
_KIND, _KEY = "kind", "recorded_key"


def rows_by_kind(
    files: Files, keys: Iterable[str], columns: Sequence[str], watermark_key: int
) -> dict[str, pa.Table]:
    """These columns of the rows below the watermark, by the kind of the rows."""
    schema = pa.schema([EVENT_ROWS.field(name) for name in columns])
    tables: dict[str, list[pa.Table]] = {kind: [schema.empty_table()] for kind in KINDS}
    for key in keys:
        with files.open(key) as source:
            # Of a bucket a few large pieces are fetched, in place of each column by itself.
            file = pq.ParquetFile(source, pre_buffer=not files.is_folder)
            footer = _Footer(file.metadata)
            kind = footer.only_kind(watermark_key)
            if kind is not None:
                tables[kind].append(_read(file, footer, schema))
                continue
            rows = _read(file, footer, schema.append(EVENT_ROWS.field(_KIND)))
        is_complete = pc.less(rows[_KEY], watermark_key)
        for kind, found in tables.items():
            of_kind = pc.and_(is_complete, pc.equal(rows[_KIND], kind))
            found.append(rows.select(schema.names).filter(of_kind))
    return {kind: pa.concat_tables(found) for kind, found in tables.items()}


class _Footer:
    """The statistics of its columns that stand in a file's footer."""

    def __init__(self, metadata: pq.FileMetaData) -> None:
        paths = [metadata.schema.column(number).path for number in range(metadata.num_columns)]
        self._column = {path: number for number, path in enumerate(paths)}
        self._groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]

    def only_kind(self, watermark_key: int) -> str | None:
        """The kind of all rows, if they have the same and all are below the watermark."""
        kinds, keys = self._ends(_KIND), self._ends(_KEY)
        is_complete = all(isinstance(key, int) and key < watermark_key for key in keys)
        return str(kinds.pop()) if is_complete and len(kinds) == 1 and kinds <= {*KINDS} else None

    def is_null(self, name: str) -> bool:
        """Whether a column has no value in any row."""
        counts = [
            (
                group.num_rows,
                found.null_count if found is not None and found.has_null_count else None,
            )
            for group, found in self._of_groups(name)
        ]
        return all(rows == nulls for rows, nulls in counts)

    def _ends(self, name: str) -> set[object]:
        """The lowest and the highest values; None where they are not known."""
        ends: set[object] = set()
        for _, found in self._of_groups(name):
            ends |= {found.min, found.max} if found is not None and found.has_min_max else {None}
        return ends

    def _of_groups(self, name: str) -> list[tuple[pq.RowGroupMetaData, pq.Statistics | None]]:
        number = self._column[name]
        return [(group, group.column(number).statistics) for group in self._groups]


def _read(file: pq.ParquetFile, footer: _Footer, schema: pa.Schema) -> pa.Table:
    """These columns of a file; those of evaluations are null without one, and then not read."""
    absent = {*OF_EVALUATIONS} if footer.is_null(EVALUATED) else set()
    rows = file.read(columns=[name for name in schema.names if name not in absent])
    columns = [
        pa.nulls(rows.num_rows, field.type) if field.name in absent else rows[field.name]
        for field in schema
    ]
    return pa.table(columns, schema=schema)
