"""A page whose blocks of Python run one after the other, as the cells of a notebook."""

import ast
import io
import re
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FENCED: Final = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Cell:
    """Statements of a page, and the output that it shows below them, if it does."""

    code: str
    shown: str | None


def cells_of(page: Path) -> list[Cell]:
    """The blocks of Python in order; one without a language is the output of the one above it."""
    cells: list[Cell] = []
    for language, text in FENCED.findall(page.read_text(encoding="utf-8")):
        if language == "python":
            cells.append(Cell(text, None))
        elif not language:
            assert cells, "an output without a cell"
            assert cells[-1].shown is None, f"two outputs of {cells[-1].code}"
            cells[-1] = Cell(cells[-1].code, text)
    return cells


def output_of(cell: Cell, names: dict[str, object]) -> str:
    """What a notebook shows below a cell: what it prints, and its last expression's value."""
    tree, printed = ast.parse(cell.code), io.StringIO()
    last = tree.body[-1]
    with redirect_stdout(printed):
        if not isinstance(last, ast.Expr):
            exec(compile(tree, "page", "exec"), names)  # noqa: S102
            return printed.getvalue()
        exec(compile(ast.Module(tree.body[:-1], []), "page", "exec"), names)  # noqa: S102
        value = eval(compile(ast.Expression(last.value), "page", "eval"), names)  # noqa: S307
        if value is not None:
            print(repr(value))  # noqa: T201
    return printed.getvalue()
