"""Files that pin what merchants rely on; ONTEM_WRITE_GOLDEN=1 writes them anew."""

import os
from pathlib import Path

_FOLDER = Path(__file__).parent / "golden"


def is_golden(name: str, content: str) -> bool:
    """Whether the golden file has exactly this content."""
    path = _FOLDER / name
    if os.environ.get("ONTEM_WRITE_GOLDEN"):
        path.write_text(content, encoding="utf-8")
    return path.read_text(encoding="utf-8") == content
