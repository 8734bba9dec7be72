"""The form of a notebook's outputs, which stays when other orders give other numbers."""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

Cell = dict[str, Any]


def code_cells(notebook: Path, *, without: str) -> list[Cell]:
    """The code cells of a notebook, but those that have a tag."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    code = (cell for cell in cells if cell["cell_type"] == "code")
    return [cell for cell in code if without not in cell["metadata"].get("tags", [])]


def text_of(cell: Cell) -> str:
    """What the outputs of a cell say as plain text."""
    return "\n".join(_text(output) for output in cell["outputs"])


def form_of(cell: Cell) -> list[tuple[str, ...]]:
    """For each output its kinds, and the different words with which its lines begin."""
    return [
        (output["output_type"], *sorted(output.get("data", {})), *_beginnings(_text(output)))
        for output in _joined(cell["outputs"])
    ]


def _joined(outputs: Iterable[Cell]) -> list[Cell]:
    """The outputs; what was printed is one of them, also where a busy kernel sent it in pieces."""
    joined: list[Cell] = []
    for output in outputs:
        last = joined[-1] if joined else {}
        if output["output_type"] == "stream" and output.get("name") == last.get("name"):
            joined[-1] = {**last, "text": [*last["text"], *output["text"]]}
        else:
            joined.append(output)
    return joined


def _text(output: Cell) -> str:
    return "".join(output.get("text") or output.get("data", {}).get("text/plain", ""))


def _beginnings(text: str) -> Iterator[str]:
    """The first word of each line, once; a number or a feature's name counts as any other one."""
    words = (
        re.sub(r"\S*[0-9_]\S*", "#", line).split()[0] for line in text.splitlines() if line.strip()
    )
    yield from dict.fromkeys(words)
