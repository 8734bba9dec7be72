"""Writing made-up orders to a file that `ontem import` reads without a mapping."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from features_pkg.errors import OntemError

Writer = Callable[[pa.Table, Path], None]


class OutputUnknown(OntemError):
    """A file name whose ending is not one of the formats."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"the format of {path} is not known: end it in .parquet or .csv")
        self.path = path


class OutputNotWritable(OntemError):
    """The file can't be written."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"{path} can't be written ({reason}): name a file in a folder that exists and is yours"
        )
        self.path, self.reason = path, reason


def writer_of(path: Path) -> Writer:
    """The function that writes a table to `path`, by its ending. Raises OutputUnknown."""
    try:
        return WRITERS[path.suffix.lower()]
    except KeyError:
        raise OutputUnknown(path) from None


def write_orders(table: pa.Table, path: Path) -> None:
    """Write `table` to `path`; the same table gives the same bytes.

    Raises OutputUnknown and OutputNotWritable.
    """
    write = writer_of(path)
    try:
        write(table, path)
    except OSError as error:
        raise OutputNotWritable(path, error.strerror or str(error)) from error


def _write_parquet(table: pa.Table, path: Path) -> None:
    pyarrow.parquet.write_table(table, path, compression="zstd")


def _write_csv(table: pa.Table, path: Path) -> None:
    """Write CSV, which has no lists: each becomes a text of JSON."""
    for position, name in enumerate(table.column_names):
        if pa.types.is_list(table.schema.types[position]):
            texts = [json.dumps(row, separators=(",", ":")) for row in table[name].to_pylist()]
            table = table.set_column(position, name, pa.array(texts))
    pyarrow.csv.write_csv(table, path)


WRITERS: Final[Mapping[str, Writer]] = MappingProxyType(
    {".parquet": _write_parquet, ".csv": _write_csv}
)
