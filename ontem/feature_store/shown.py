"""How results look in a notebook: rows of texts, as text and as HTML."""

from collections.abc import Sequence
from html import escape

Rows = Sequence[Sequence[str]]


def text_table(title: str, head: Sequence[str], rows: Rows) -> str:
    """A table for a terminal."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (head, *rows)
    ]
    return "\n".join([title, *lines])


def html_table(title: str, head: Sequence[str], rows: Rows) -> str:
    """The same for a notebook's page; every text is escaped."""
    heads = "".join(f"<th>{escape(each)}</th>" for each in head)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return (
        f"<table><caption>{escape(title)}</caption><thead><tr>{heads}</tr></thead>"
        f"<tbody>{body}</tbody></table>"
    )
