"""The folder that the service reads its model from, and writing it at once."""

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from features_pkg.models.manifest import MANIFEST
from ontem.compose.errors import ModelElsewhere
from stores.settings import Settings


def model_folder(settings: Settings) -> Path:
    """The folder that ONTEM_MODEL names. Raises ModelElsewhere when it names none."""
    if settings.model_path is None:
        raise ModelElsewhere
    return settings.model_path


def is_trained(folder: Path) -> bool:
    """Whether a model is there."""
    return (folder / MANIFEST).is_file()


@contextmanager
def a_draft(folder: Path) -> Iterator[Path]:
    """A folder to write a model to, which takes the place of `folder` when all went well.

    Whoever reads `folder` finds the one model or the other; for a moment between them, none. The
    caller is the only writer beside it: drafts that are there were left by processes that ended.
    """
    _remove_drafts(folder)
    draft = folder.with_name(f".draft-{secrets.token_hex(4)}")
    yield draft
    if folder.exists():
        folder.rename(draft.with_name(f"{draft.name}-old"))
    draft.rename(folder)
    _remove_drafts(folder)


def _remove_drafts(folder: Path) -> None:
    for left in folder.parent.glob(".draft-*"):
        shutil.rmtree(left)
