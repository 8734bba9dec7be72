"""Arrow tables, and the same as data frames of pandas or Polars."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import pyarrow as pa

from features_pkg.identifiers import IDENTIFIERS, MERCHANT
from ontem.feature_store.errors import (
    ColumnTwice,
    ColumnUnknown,
    CountRefused,
    IdentifierUnknown,
    KindUnknown,
    LibraryMissing,
)

ARROW: Final = "arrow"
PANDAS: Final = "pandas"
POLARS: Final = "polars"
KINDS: Final = (ARROW, PANDAS, POLARS)


def check_kind(kind: str) -> None:
    """Raise KindUnknown or LibraryMissing for tables that can't be given; nothing is read yet."""
    if kind not in KINDS:
        raise KindUnknown(kind=kind, kinds=KINDS)
    if kind == POLARS:
        polars()


def as_kind(table: pa.Table, kind: str) -> Any:
    """The table as Arrow has it, or as a data frame: `kind` is one of KINDS.

    A column of whole numbers with nulls stays whole in pandas: it is of its type `Int64`. Raises
    KindUnknown and LibraryMissing.
    """
    check_kind(kind)
    if kind == PANDAS:
        import pandas as pd

        whole = {
            pa.int8(): pd.Int8Dtype(),
            pa.int32(): pd.Int32Dtype(),
            pa.int64(): pd.Int64Dtype(),
        }
        return table.to_pandas(types_mapper=whole.get)
    return polars().from_arrow(table) if kind == POLARS else table


def polars() -> Any:
    """The library Polars. Raises LibraryMissing."""
    try:
        import polars as library
    except ModuleNotFoundError:
        raise LibraryMissing(library=POLARS) from None
    return library


def check_count(name: str, count: int) -> None:
    """Raise CountRefused for a number of rows, or of hits, that is none."""
    if not isinstance(count, int) or count < 1:
        raise CountRefused(name=name, count=count)


def known_identifiers(identifiers: Iterable[str]) -> list[str]:
    """The names of these identifiers; the merchant is one of them. Raises IdentifierUnknown."""
    names = [identifiers] if isinstance(identifiers, str) else list(identifiers)
    known = [*map(str, IDENTIFIERS), MERCHANT]
    for name in names:
        if name not in known:
            raise IdentifierUnknown(name=str(name), known=known)
    return [str(name) for name in names]


def chosen(columns: Iterable[str] | None, known: Sequence[str], table: str) -> list[str]:
    """The names of `columns`, or all that are known for None. Raises ColumnUnknown, ColumnTwice."""
    if columns is None:
        return list(known)
    names = [columns] if isinstance(columns, str) else list(columns)
    for name in names:
        if name not in known:
            raise ColumnUnknown(name=str(name), table=table, known=known)
        if names.count(name) > 1:
            raise ColumnTwice(name=name)
    return names
