"""The first model of a stack: where it is, and on which orders it is trained."""

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from features_pkg.calendar import to_us
from features_pkg.models.manifest import MANIFEST
from jobs.entry import job_here
from jobs.training_set.facts import newest_training_sets
from ontem.compose.errors import ModelElsewhere, NoOrdersToLearnFrom
from ontem.compose.orders import span_of_orders
from stores.offline.tables import open_store
from stores.settings import Settings

WARM_UP_DAYS = 30
"""Orders of the first days have too little history to train on."""


def model_folder(settings: Settings) -> Path:
    """The folder that ONTEM_MODEL names. Raises ModelElsewhere when it names none."""
    if settings.model_path is None:
        raise ModelElsewhere
    return settings.model_path


def is_trained(folder: Path) -> bool:
    """Whether a model is there."""
    return (folder / MANIFEST).is_file()


def first_training_day() -> date:
    """The first day of the orders to train on. Raises NoOrdersToLearnFrom."""
    job = job_here()
    with job.connect() as connection:
        span = span_of_orders(connection)
    if span is None:
        raise NoOrdersToLearnFrom
    first, last = (job.calendar.day_of(to_us(at)) for at in span)
    return date.fromordinal(first + min(WARM_UP_DAYS, (last - first) // 8))


def newest_training_set() -> int:
    """The revision of the newest training set of these settings."""
    job = job_here()
    ((revision, _),) = newest_training_sets(
        open_store(job.settings), job.feature_set.version, most=1
    )
    return revision


@contextmanager
def a_draft(folder: Path) -> Iterator[Path]:
    """A folder to write a model to, which takes the place of `folder` when all went well.

    Whoever reads `folder` finds the one model or the other; for a moment between them, none.
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
