"""The two places of models: those that ship, and the candidates that training made."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.models.loading import load_model
from features_pkg.models.manifest import ModelManifest, ModelRefused, read_manifest
from features_pkg.models.shipped_models import CURRENT, current_name, model_folders
from ontem.models.errors import ModelExists, ModelUnknown, PackageInstalled


@dataclass(frozen=True, slots=True)
class ListedModel:
    """One model, and why it can't serve; an empty refusal is none."""

    folder: Path
    manifest: ModelManifest | None
    is_current: bool
    refusal: str


@dataclass(frozen=True, slots=True)
class Shelf:
    """The folder of the models that ship, and that of the candidates."""

    shipped: Path
    candidates: Path

    def models(self, folder: Path, feature_set: FeatureSet) -> list[ListedModel]:
        """The models in one of the two folders, by name, each tried for this feature set."""
        current = current_name(self.shipped) if folder == self.shipped else ""
        return [_listed(each, feature_set, current) for each in model_folders(folder)]

    def use(self, name: str, feature_set: FeatureSet) -> None:
        """Make a shipped model the one that serves.

        Raises ModelUnknown, ModelRefused for one that can't serve this feature set, and
        PackageInstalled.
        """
        folder = _find(self.shipped, name, f"ship it first with `ontem models ship {name}`")
        self._check_checkout()
        load_model(folder, feature_set)
        draft = self.shipped / f".{CURRENT}"
        draft.write_text(f"{name}\n", encoding="utf-8")
        draft.replace(self.shipped / CURRENT)

    def ship(self, name: str, feature_set: FeatureSet) -> None:
        """Move a candidate among the shipped models; which one serves stays as it is.

        Raises ModelUnknown, ModelExists, ModelRefused and PackageInstalled.
        """
        folder = _find(self.candidates, name, "train one with `ontem train`")
        self._check_checkout()
        load_model(folder, feature_set)
        if (self.shipped / name).exists():
            raise ModelExists(name)
        # Copied and renamed, so that whoever lists the folder never sees half a model.
        with tempfile.TemporaryDirectory(dir=self.shipped, prefix=".draft-") as draft:
            shutil.copytree(folder, Path(draft) / name).rename(self.shipped / name)
        shutil.rmtree(folder)

    def _check_checkout(self) -> None:
        """Raise PackageInstalled unless the shipped models are files of a project to be edited."""
        project = self.shipped.parents[2]
        if not ((project / "pyproject.toml").is_file() and os.access(self.shipped, os.W_OK)):
            raise PackageInstalled(self.shipped)


def _find(place: Path, name: str, remedy: str) -> Path:
    folders = {folder.name: folder for folder in model_folders(place)}
    if name not in folders:
        raise ModelUnknown(name=name, place=place, present=list(folders), remedy=remedy)
    return folders[name]


def _listed(folder: Path, feature_set: FeatureSet, current: str) -> ListedModel:
    manifest, refusal = None, ""
    try:
        manifest = read_manifest(folder)
        load_model(folder, feature_set)
    except ModelRefused as refused:
        refusal = f"{refused.reason}; {refused.remedy}"
    return ListedModel(folder, manifest, folder.name == current, refusal)
