"""Tables and numbers of a report in Markdown."""

from collections.abc import Iterator, Sequence


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The lines of a table."""
    for row in (columns, ["---"] * len(columns), *rows):
        yield f"| {' | '.join(row)} |"


def number(value: float | None) -> str:
    """A metric for people."""
    return "null" if value is None else f"{value:.4f}"
