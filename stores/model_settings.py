"""What it takes to look for models and to check them: no database and no secret of Ontem's own."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from features_pkg.definitions.feature_set import FeatureSet
from stores.variable_reader import VariableReader


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSettings:
    """Where models are, for which features, and whose are trusted."""

    storage_url: str
    """Empty where nothing of the store is asked for."""
    s3_endpoint: str
    s3_region: str
    timezone: str
    snapshot_lag: timedelta
    model_path: Path | None
    model_verify_keys: tuple[bytes, ...]

    @classmethod
    def from_environ(cls, environ: Mapping[str, str], *, with_store: bool) -> "ModelSettings":
        """The settings in `environ`, as `Settings` reads them. Raises SettingsError."""
        read = VariableReader(environ)
        return cls(
            storage_url=read.storage_url("ONTEM_STORAGE_URL") if with_store else "",
            s3_endpoint=read.s3_endpoint(),
            s3_region=read.s3_region(),
            timezone=read.business_timezone(),
            snapshot_lag=read.snapshot_lag(),
            model_path=read.path("ONTEM_MODEL"),
            model_verify_keys=read.verify_keys("ONTEM_MODEL_VERIFY_KEYS"),
        )

    @property
    def feature_set(self) -> FeatureSet:
        """The shipped features under these settings."""
        return FeatureSet(self.timezone, self.snapshot_lag)
