"""The model that a service serves: loaded at the start, and anew at a HUP."""

from collections.abc import Callable
from pathlib import Path

from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.errors import FeatureError, OntemError
from features_pkg.models.loading import load_model
from features_pkg.models.shipped_models import current_folder
from service import log
from service.model_age import ModelAge, older_state
from service.rehearsal import rehearse_model
from service.served_model import ServedModel
from service.states import OK, UNKNOWN, State
from stores.errors import SettingsError
from stores.model_keys import verify_keys
from stores.settings import Settings


class StartRefused(OntemError):
    """The service could not answer orders as it should, so it does not start."""


class ModelNotLoaded(StartRefused):
    """There is no model, or it was changed, or it was made for other code or other settings."""


class ModelInUse:
    """The model that processes serve which are forked from now on.

    A model that can't be loaded, or is older than one that served, does not replace one that was.
    """

    def __init__(
        self,
        settings: Settings,
        now_us: Callable[[], int],
        model_path_now: Callable[[], Path | None] | None = None,
    ) -> None:
        """Load the model. Raises ModelNotLoaded, and SettingsError without keys to verify it by.

        `model_path_now` reads the setting again at each reload; without it, it stays as it is.
        """
        self._settings, self._now_us = settings, now_us
        self._model_path_now = model_path_now or (lambda: settings.model_path)
        self.served_model = self._load(settings.model_path)
        self.age = ModelAge(self.served_model.model.manifest)
        self.refusal = ""
        """Why the model that the settings name by now is not the one that is served."""

    def reload(self, check: Callable[[ModelAge], State]) -> None:
        """Serve the model that the settings name now, or keep the old one and log why.

        `check` asks PostgreSQL about the model's age.
        """
        served = self.served_model.model.manifest.name
        try:
            loaded = self._load(self._model_path_now())
            if loaded.model.manifest.name != served:
                self.age = self._checked(ModelAge(loaded.model.manifest), check)
            self.served_model, self.refusal = loaded, ""
            log.info("model loaded", model=self.age.manifest.name)
        except (StartRefused, SettingsError) as refused:
            self.refusal = str(refused)
            log.error("model refused", reason=self.refusal, served=served)

    def _checked(self, age: ModelAge, check: Callable[[ModelAge], State]) -> ModelAge:
        """The age of a model that may replace the served one. Raises StartRefused."""
        state = check(age)
        if state == UNKNOWN and age.is_older_than(self.age):
            state = older_state(age.manifest, self.age.manifest.name)
        if state not in (OK, UNKNOWN):
            raise StartRefused(f"{state.state}: {state.remedy}")
        return age

    def _load(self, model_path: Path | None) -> ServedModel:
        """The model of a configured folder, else the one that ships with Ontem; warmed up.

        Raises ModelNotLoaded.
        """
        settings = self._settings
        feature_set = FeatureSet(settings.timezone, settings.snapshot_lag)
        try:
            folder = _model_folder(model_path)
            model = load_model(folder, feature_set, verify_keys(settings))
            served_model = ServedModel.of(
                feature_set,
                model,
                entity_secret=settings.entity_secret,
                max_stale_days=settings.max_stale_days,
            )
            rehearse_model(served_model, self._now_us())
        except (FeatureError, OSError) as refused:
            raise ModelNotLoaded(str(refused)) from refused
        return served_model


def _model_folder(configured: Path | None) -> Path:
    """The configured folder, else that of the shipped model which is current."""
    return current_folder() if configured is None else configured
