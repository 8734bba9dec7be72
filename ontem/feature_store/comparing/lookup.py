"""What a name of a comparison stands for: the code, a model, or the version of a feature set."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.models.bundle import read_signed_manifest
from features_pkg.models.manifest import ModelManifest, ModelRefused
from features_pkg.models.shipped_models import CURRENT, current_folder, model_folders
from features_pkg.models.signing import VerifyKeys
from ontem.feature_store.comparing.errors import SideUnknown
from ontem.feature_store.comparing.offline_sides import OfflineSides
from ontem.feature_store.comparing.side import Side, side_of_code, side_of_model
from stores.errors import SettingsError
from stores.model_keys import TrustSettings, verify_keys

CODE: Final = "code"
VERSION: Final = re.compile("[0-9a-f]{16}")


@dataclass(frozen=True)
class Lookup:
    """Where sides are looked for: the code, then the models that ship, then the offline store.

    `shipped` is the folder of the shipped models, `configured` that of ONTEM_MODEL. The offline
    store is opened for a name only that nothing else has.
    """

    features: FeatureSet
    trust: TrustSettings
    shipped: Path
    configured: Path | None
    offline: OfflineSides

    def side(self, name: str) -> Side:
        """What the name stands for.

        Raises SideUnknown, NoCurrentModel, ModelRefused for a model that is not trusted,
        SettingsError where no key is known to trust it by, and what the offline store raises.
        """
        code = side_of_code(self.features)
        if name in (CODE, code.feature_set):
            return code
        if name == CURRENT:
            return side_of_model(read_signed_manifest(current_folder(self.shipped), self._keys))
        found = self._model_here(name) or self._in_store(name)
        if found is None and VERSION.fullmatch(name):
            found = self._model_of_version(name)
        if found is None:
            raise SideUnknown(name, known=self._known, not_looked_at=self.offline.not_open)
        return found

    @cached_property
    def _keys(self) -> VerifyKeys:
        return verify_keys(self.trust)

    @property
    def _folders(self) -> list[Path]:
        return model_folders(self.shipped) + ([self.configured] if self.configured else [])

    @property
    def _known(self) -> list[str]:
        return [*dict.fromkeys([folder.name for folder in self._folders] + self.offline.models())]

    def _model_here(self, name: str) -> Side | None:
        folder = next((each for each in self._folders if each.name == name), None)
        return None if folder is None else side_of_model(read_signed_manifest(folder, self._keys))

    def _in_store(self, name: str) -> Side | None:
        if VERSION.fullmatch(name):
            return self.offline.training_set(name)
        if name in self.offline.models():
            return side_of_model(self.offline.manifest(name, self._keys))
        return None

    def _model_of_version(self, version: str) -> Side | None:
        """A model of that feature set, where there is no training set of it any more."""
        found = next((each for each in self._manifests() if each.feature_set == version), None)
        return None if found is None else side_of_model(found)

    def _manifests(self) -> Iterator[ModelManifest]:
        """Those of all models that are trusted."""
        with suppress(SettingsError):  # without keys no model is
            keys = self._keys
            for folder in self._folders:
                with suppress(ModelRefused):
                    yield read_signed_manifest(folder, keys)
            for name in self.offline.models():
                with suppress(ModelRefused):
                    yield self.offline.manifest(name, keys)
