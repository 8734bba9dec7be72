"""What a chart consists of."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Table:
    """Numbers with the headers of their columns; the first column heads its rows."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart with its title, its numbers in words, and in a table.

    Without an `svg` there is nothing to draw, and the words say why.
    """

    name: str
    title: str
    words: str
    svg: str = ""
    table: Table | None = None
