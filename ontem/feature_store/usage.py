"""Which models use a feature, and since when one of them serves."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from features_pkg.models.bundle import read_signed_manifest, verified_manifest
from features_pkg.models.manifest import ModelManifest, ModelRefused
from features_pkg.models.shipped_models import SHIPPED, current_name, model_folders
from features_pkg.models.signing import VerifyKeys
from stores.offline.models import StoredModels

IN_STORE: Final = "trained, in the offline store"
IN_PACKAGE: Final = "shipped"
CURRENT: Final = "shipped, the one that serves"
CONFIGURED: Final = "that of ONTEM_MODEL, which serves here"


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model whose signature is good, where it is, and since when it serves, if it ever did."""

    manifest: ModelManifest
    place: str
    served_since: datetime | None

    @property
    def name(self) -> str:
        """The name of the model."""
        return self.manifest.name

    def __str__(self) -> str:
        since = f", served since {self.served_since:%Y-%m-%d}" if self.served_since else ""
        return f"{self.name} ({self.place}{since})"


@dataclass(frozen=True, slots=True)
class Usage:
    """The models that use a feature, and since when it is served; without an instant, why not."""

    models: tuple[KnownModel, ...]
    served_since: datetime | None
    reason: str


def known_models(
    stored: StoredModels,
    keys: VerifyKeys,
    configured: Path | None,
    served: Mapping[str, datetime],
    shipped: Path = SHIPPED,
) -> tuple[KnownModel, ...]:
    """All models that one of the keys signed, each once: as it serves, ships, or is stored."""
    found: dict[str, KnownModel] = {}
    for manifest, place in _manifests(stored, keys, configured, shipped):
        name = manifest.name
        found.setdefault(name, KnownModel(manifest, place, served.get(name)))
    return tuple(found[name] for name in sorted(found))


def usage_of(name: str, models: Sequence[KnownModel]) -> Usage:
    """The models that use the feature of this name."""
    using = tuple(each for each in models if name in each.manifest.features)
    since = min((each.served_since for each in using if each.served_since), default=None)
    if since is not None:
        reason = "when the first of these models served"
    elif using:
        reason = "no model that uses it has served yet"
    else:
        reason = "no model uses it"
    return Usage(using, since, reason)


def _manifests(
    stored: StoredModels, keys: VerifyKeys, configured: Path | None, shipped: Path
) -> Iterator[tuple[ModelManifest, str]]:
    """Each model that can be trusted; of the others nothing is said, `ontem models` says why."""
    if configured is not None:
        with suppress(ModelRefused):
            yield read_signed_manifest(configured, keys), CONFIGURED
    current = "" if configured is not None else current_name(shipped)
    for folder in model_folders(shipped):
        with suppress(ModelRefused):
            place = CURRENT if folder.name == current else IN_PACKAGE
            yield read_signed_manifest(folder, keys), place
    for name in stored.names():
        with suppress(ModelRefused):
            content, signature = stored.manifest(name), stored.signature(name)
            yield verified_manifest(Path(name), content, signature, keys), IN_STORE
