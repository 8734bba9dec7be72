"""The folder that `ontem train --output` copies a model into."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from features_pkg.models.manifest import MANIFEST, ModelManifest, ModelRefused, decode_manifest
from jobs.train.choice import TrainingChoice
from jobs.train.errors import FolderTaken, OutputUnusable
from stores.offline.models import StoredModels


def check_output(
    folder: Path, training_set: str, order_features: Sequence[str], choice: TrainingChoice
) -> None:
    """Refuse a folder that can't take the model of this choice, before it is trained.

    It may have that model already. Nothing is made: a folder that is missing is made when there is
    a model to put into it, so what is tried is to write where its first missing parent goes.

    Raises OutputUnusable or FolderTaken.
    """
    place = folder
    try:
        while not place.exists():
            place = place.parent
        with tempfile.TemporaryFile(dir=place):
            pass
        copied = folder / MANIFEST
        content = copied.read_bytes() if copied.exists() else None
    except OSError as error:
        raise OutputUnusable(folder=folder, place=place, reason=error.strerror) from None
    if content is None:
        return
    try:
        manifest = decode_manifest(folder, content)
    except ModelRefused:
        raise FolderTaken(folder=folder) from None
    if manifest.training_set != training_set or not _made_by(manifest, order_features, choice):
        raise FolderTaken(folder=folder)


def _made_by(
    manifest: ModelManifest, order_features: Sequence[str], choice: TrainingChoice
) -> bool:
    """Whether a training with this choice may have given the manifest."""
    sampling = manifest.sampling  # None, too, where a sample has room for all orders
    return (
        (sampling is None or sampling.fitted == choice.sample)
        and manifest.seed == choice.seed
        and manifest.recipe == tuple(choice.recipe.words)
        and (manifest.features == tuple(order_features)) != choice.velocity
    )


def copy_model(models: StoredModels, name: str, folder: Path) -> None:
    """Copy a stored model into a folder, or find it there. Raises FolderTaken."""
    copied = folder / MANIFEST
    if copied.exists():
        if copied.read_bytes() != models.manifest(name):
            raise FolderTaken(folder=folder)
        return
    models.fetch(name, folder)
