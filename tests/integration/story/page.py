"""The page that the story is told on: its fenced blocks that hold values."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from features_pkg.calendar import from_us

PAGE = Path(__file__).resolve().parents[3] / "docs" / "how-it-works.md"
BLOCK = re.compile(
    r"(?<=<!-- story: )([\w-]+)( -->\n```\w*\n)(.*?)(?=^```$)", re.DOTALL | re.MULTILINE
)


def blocks_of(page: str) -> dict[str, str]:
    """The text of each block by its name."""
    found = BLOCK.findall(page)
    names = [name for name, _, _ in found]
    assert len(set(names)) == len(names), f"a block appears twice: {names}"
    return {name: text for name, _, text in found}


def with_blocks(page: str, blocks: Mapping[str, str]) -> str:
    """The page with the text of each block replaced."""
    return BLOCK.sub(lambda found: found[1] + found[2] + blocks[found[1]], page)


def table(header: str, rows: Sequence[Sequence[object]]) -> str:
    """Rows under a header whose words are separated by ` | `, in columns as wide as they need."""
    lines = [header.split(" | "), *([_text(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        + "\n"
        for line in lines
    )


def _text(cell: object) -> str:
    if cell is None:
        return "null"
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    return str(cell)


def an_instant(us: int) -> str:
    """An instant of the story to the minute, in UTC."""
    return f"{from_us(us):%Y-%m-%d %H:%M}Z"
