"""The models that ship with the package, and which of them serves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from features_pkg.errors import FeatureError
from features_pkg.models.manifest import MANIFEST

SHIPPED: Final = Path(__file__).parent / "shipped"
"""The folder of the models that ship with the package, one folder each."""
CURRENT: Final = "current"
"""The file beside them with the name of the one that serves. It is written on purpose only."""

CHOOSE: Final = (
    "let a trained one ship with `ontem models ship NAME` and serve with `ontem models use NAME`"
)


class NoCurrentModel(FeatureError):
    """No shipped model is current, or the one that is named is not there."""

    def __init__(self, *, named: str, shipped: Sequence[str]) -> None:
        state = f"the current model, {named}, is not shipped" if named else "no model is current"
        self.reason = f"{state}; shipped are {', '.join(shipped) or 'none'}"
        super().__init__(f"{self.reason}: {CHOOSE}, or set ONTEM_MODEL to its folder")
        self.named, self.shipped = named, tuple(shipped)


def model_folders(folder: Path) -> list[Path]:
    """The models in a folder, by name."""
    return sorted(path.parent for path in folder.glob(f"*/{MANIFEST}"))


def current_name(shipped: Path = SHIPPED) -> str:
    """The name of the model that serves; empty when none was chosen."""
    try:
        return (shipped / CURRENT).read_text(encoding="utf-8", errors="replace").strip()
    except FileNotFoundError:
        return ""


def current_folder(shipped: Path = SHIPPED) -> Path:
    """The folder of the shipped model that serves. Raises NoCurrentModel."""
    name = current_name(shipped)
    folders = {folder.name: folder for folder in model_folders(shipped)}
    if name not in folders:
        raise NoCurrentModel(named=name, shipped=list(folders))
    return folders[name]
