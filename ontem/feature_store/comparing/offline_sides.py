"""The sides that are in the offline store: models and training sets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from features_pkg.models.bundle import verified_manifest
from features_pkg.models.manifest import ModelManifest
from features_pkg.models.signing import VerifyKeys
from ontem.feature_store.comparing.side import Side, SideKind
from stores.errors import SettingsError

if TYPE_CHECKING:  # it needs PyArrow, which is not installed where models are only served
    from stores.offline.models import StoredModels
    from stores.offline.tables import OfflineStore


@dataclass
class OfflineSides:
    """The offline store of the settings, opened when it is first asked.

    `open_models` opens the files alone, `open_tables` the tables, too. `not_open` is why that was
    not possible, empty where it was.
    """

    open_models: Callable[[], StoredModels]
    open_tables: Callable[[], OfflineStore]
    not_open: str = field(default="", init=False)

    def models(self) -> list[str]:
        """The names of its models; none where the settings name no store."""
        stored = self._models()
        return [] if stored is None else stored.names()

    def manifest(self, name: str, keys: VerifyKeys) -> ModelManifest:
        """The manifest of a model, which a trusted key signed. Raises ModelRefused."""
        stored = self.open_models()
        content, signature = stored.manifest(name), stored.signature(name)
        return verified_manifest(Path(name), content, signature, keys)

    def training_set(self, version: str) -> Side | None:
        """The features of the newest training set of a feature set; None without one."""
        from jobs.training_set.facts import newest_training_sets, training_set_slot

        try:
            store = self.open_tables()
        except SettingsError as missing:
            self.not_open = str(missing)
            return None
        newest = newest_training_sets(store, version, 1)
        if not newest:
            return None
        number, facts = newest[-1]
        name = training_set_slot(version).name(number)
        return Side(
            kind=SideKind.TRAINING_SET,
            name=name,
            features=facts.features,
            feature_set=facts.feature_set,
            timelines=facts.timelines,
            timezone=facts.timezone,
            snapshot_lag_seconds=facts.snapshot_lag_seconds,
            training_set=name,
        )

    def _models(self) -> StoredModels | None:
        try:
            return self.open_models()
        except SettingsError as missing:
            self.not_open = str(missing)
            return None
