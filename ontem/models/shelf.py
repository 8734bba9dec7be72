"""The two places of models: those that ship, and those that training put into the store."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.models.bundle import read_signed_manifest, verified_manifest
from features_pkg.models.loading import check_manifest, load_model
from features_pkg.models.manifest import ModelManifest, ModelRefused
from features_pkg.models.shipped_models import CURRENT, current_name, model_folders
from features_pkg.models.signing import VerifyKeys
from ontem.models.errors import ModelExists, ModelUnknown, PackageInstalled

if TYPE_CHECKING:  # it needs PyArrow, which is not installed where models are only served
    from stores.offline.models import StoredModels


@dataclass(frozen=True, slots=True)
class ListedModel:
    """One model, and why it can't serve; an empty refusal is none."""

    name: str
    manifest: ModelManifest | None
    is_current: bool
    refusal: str


@dataclass(frozen=True, slots=True)
class Shelf:
    """The folder of the models that ship, whom they are trusted from, and for which features."""

    shipped: Path
    keys: VerifyKeys
    feature_set: FeatureSet

    def shipped_models(self) -> list[ListedModel]:
        """The models that ship, by name, each tried as the service would."""
        current = current_name(self.shipped)
        return [self._tried(folder, current) for folder in model_folders(self.shipped)]

    def stored_models(self, stored: StoredModels) -> list[ListedModel]:
        """The models in the store, by name, each by its signed manifest alone.

        The other files are fetched and tried when a model is shipped.
        """
        return [self._looked_at(stored, name) for name in stored.names()]

    def use(self, name: str) -> None:
        """Make a shipped model the one that serves.

        Raises ModelUnknown, ModelRefused for one that can't serve these features, and
        PackageInstalled.
        """
        folders = {folder.name: folder for folder in model_folders(self.shipped)}
        if name not in folders:
            remedy = f"ship it first with `ontem models ship {name}`"
            raise ModelUnknown(
                name=name, place=str(self.shipped), present=list(folders), remedy=remedy
            )
        self.check_checkout()
        load_model(folders[name], self.feature_set, self.keys)
        self.write_current(name)

    def write_current(self, name: str) -> None:
        """Write down that the shipped model of that name is current."""
        draft = self.shipped / f".{CURRENT}"
        draft.write_text(f"{name}\n", encoding="utf-8")
        draft.replace(self.shipped / CURRENT)

    def ship(self, name: str, stored: StoredModels) -> None:
        """Copy a model from the store among the shipped ones; which one serves stays as it is.

        It is tried as the service would. Raises ModelUnknown, ModelExists, ModelRefused and
        PackageInstalled.
        """
        self.check_checkout()
        present = stored.names()
        if name not in present:
            remedy = "train one with `ontem train`"
            raise ModelUnknown(name=name, place=stored.place, present=present, remedy=remedy)
        if (self.shipped / name).exists():
            raise ModelExists(name)
        # Before other files are fetched: another version of Ontem may have trained others.
        verified_manifest(Path(name), stored.manifest(name), stored.signature(name), self.keys)
        # Fetched and renamed, so that whoever lists the folder never sees half a model.
        with tempfile.TemporaryDirectory(dir=self.shipped, prefix=".draft-") as draft:
            folder = Path(draft) / name
            stored.fetch(name, folder)
            manifest = load_model(folder, self.feature_set, self.keys).manifest
            if manifest.name != name:
                raise ModelRefused(Path(name), f"its manifest is that of {manifest.name}")
            folder.rename(self.shipped / name)

    def find(self, name: str, configured: Path | None) -> ModelManifest:
        """The signed manifest of a shipped model, or of the one in the configured folder.

        Raises ModelUnknown and ModelRefused.
        """
        folders = model_folders(self.shipped) + ([] if configured is None else [configured])
        names = []
        for folder in folders:
            try:
                manifest = read_signed_manifest(folder, self.keys)
            except ModelRefused:
                if folder.name == name:
                    raise
                continue
            if manifest.name == name:
                return manifest
            names.append(manifest.name)
        place = f"{self.shipped} or ONTEM_MODEL"
        raise ModelUnknown(name=name, place=place, present=names, remedy="name one of these")

    def check_checkout(self) -> None:
        """Raise PackageInstalled unless the shipped models are files of a project to be edited."""
        project = self.shipped.parents[2]
        if not ((project / "pyproject.toml").is_file() and os.access(self.shipped, os.W_OK)):
            raise PackageInstalled(self.shipped)

    def _tried(self, folder: Path, current: str) -> ListedModel:
        def look() -> ModelManifest:
            return read_signed_manifest(folder, self.keys)

        def attempt(_: ModelManifest) -> None:
            load_model(folder, self.feature_set, self.keys)

        return _listed(folder.name, look, attempt, is_current=folder.name == current)

    def _looked_at(self, stored: StoredModels, name: str) -> ListedModel:
        folder = Path(name)

        def look() -> ModelManifest:
            signature = stored.signature(name)
            return verified_manifest(folder, stored.manifest(name), signature, self.keys)

        def attempt(manifest: ModelManifest) -> None:
            check_manifest(folder, manifest, self.feature_set)

        return _listed(name, look, attempt)


def _listed(
    name: str,
    look: Callable[[], ModelManifest],
    attempt: Callable[[ModelManifest], None],
    *,
    is_current: bool = False,
) -> ListedModel:
    manifest, refusal = None, ""
    try:
        manifest = look()
        attempt(manifest)
    except ModelRefused as refused:
        refusal = f"{refused.reason}; {refused.remedy}"
    return ListedModel(name, manifest, is_current, refusal)
