"""What the columns of a table are, before there is one."""

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class TableDefinition:
    """The columns of a dataset's tables, in order, and the one that names the partition, if any.

    Each field of `columns` says in its metadata, under `doc`, what the column holds. Of the columns
    in `bounds` the table knows the lowest and the highest value of each file, so that a reader of
    some values leaves the other files out.
    """

    columns: pa.Schema
    doc: str
    partition: str | None = None
    bounds: tuple[str, ...] = ()


def documented(columns: pa.Schema, docs: Mapping[str, str]) -> pa.Schema:
    """The columns, each with what `docs` says of it, if anything."""
    return pa.schema(
        [
            column.with_metadata({"doc": docs[column.name]}) if column.name in docs else column
            for column in columns
        ]
    )
