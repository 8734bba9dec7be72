"""A wheel of Ontem: what is in it, proved by loading its model."""

import hashlib
import json
import tempfile
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Final, NamedTuple

from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.errors import OntemError
from features_pkg.models.bundle import read_signed_manifest
from features_pkg.models.loading import load_model
from features_pkg.models.manifest import ModelManifest
from features_pkg.models.shipped_models import CHOOSE, NoCurrentModel, current_folder
from features_pkg.models.signing import VerifyKeys
from ontem.delivery.errors import WheelRefused
from ontem.version import Version

BUILT_NAME: Final = "ontem/built.json"
"""What the build adds to the files of the commit: the version, and the commit."""
NEEDED: Final = (
    "features_pkg/definitions/catalogue.py",
    "features_pkg/engines/one_order.py",
    "features_pkg/engines/reference.py",
    "jobs/__main__.py",
    BUILT_NAME,
    "service/commands.py",
    "sql/migrations/env.py",
    "sql/queries/recent.sql.j2",
)
"""One file of each room, so that a wheel without one is noticed."""
SHIPPED: Final = "features_pkg/models/shipped/"


class Wheel(NamedTuple):
    """A wheel whose current model was loaded."""

    path: Path
    sha256: str
    version: Version
    files: tuple[str, ...]
    model: ModelManifest

    @property
    def summary(self) -> str:
        """What is in it, in a few lines for a person."""
        templates = sum(name.endswith(".sql.j2") for name in self.files)
        model = self.model
        return "\n".join(
            (
                f"{self.path.name}: {len(self.files)} files, sha256 {self.sha256}",
                f"  version   {self.version.number}, of commit {self.version.commit}",
                f"  features  {len(model.features)} in the model, feature set {model.feature_set}",
                f"  queries   {templates} templates",
                f"  model     {model.name} is current, of {model.training.orders} orders",
                f"  trained   until {model.training.end.date()}, with {_libraries(model)}",
            )
        )


def read_wheel(path: Path, keys: VerifyKeys) -> Wheel:
    """What is in a wheel of Ontem, whose current model is loaded as a service with `keys` would.

    Raises WheelRefused.
    """
    try:
        content = path.read_bytes()
        with zipfile.ZipFile(path) as archive:
            names = tuple(archive.namelist())
            for missing in set(NEEDED) - set(names):
                raise WheelRefused(path.name, f"it has no {missing}")
            version = _version(path.name, archive.read(BUILT_NAME))
            with tempfile.TemporaryDirectory() as folder:
                archive.extractall(folder, [name for name in names if name.startswith(SHIPPED)])
                manifest = _loaded(path.name, Path(folder, SHIPPED), keys)
    except (OSError, zipfile.BadZipFile) as error:
        raise WheelRefused(path.name, f"it can't be read ({error})") from None
    if path.name != f"ontem-{version.number}-py3-none-any.whl":
        raise WheelRefused(path.name, f"it has version {version.number} inside")
    return Wheel(path, hashlib.sha256(content).hexdigest(), version, names, manifest)


def _version(wheel: str, content: bytes) -> Version:
    try:
        return Version(**json.loads(content))
    except (TypeError, ValueError):
        raise WheelRefused(wheel, f"its {BUILT_NAME} has no version and commit") from None


def _loaded(wheel: str, shipped: Path, keys: VerifyKeys) -> ModelManifest:
    """The manifest of the model that serves, which loads under the settings of its training."""
    try:
        folder = current_folder(shipped)
        manifest = read_signed_manifest(folder, keys)
        lag = timedelta(seconds=manifest.snapshot_lag_seconds)
        load_model(folder, FeatureSet(timezone=manifest.timezone, snapshot_lag=lag), keys)
    except NoCurrentModel as none:
        raise WheelRefused(wheel, f"{none.reason}: {CHOOSE}, then commit both") from None
    except OntemError as error:
        raise WheelRefused(wheel, str(error)) from None
    return manifest


def _libraries(model: ModelManifest) -> str:
    return ", ".join(f"{name} {version}" for name, version in sorted(model.libraries.items()))
