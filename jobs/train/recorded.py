"""A training with its record, beside the model that serves now."""

from pathlib import Path

from features_pkg.models.loading import load_model
from features_pkg.models.manifest import ModelManifest, ModelRefused
from features_pkg.models.shipped_models import NoCurrentModel, current_folder
from jobs.job import Job
from jobs.machine import memory_of_children
from jobs.run_record import recorded
from jobs.train.choice import TrainingChoice
from jobs.train.report import CurrentModel
from jobs.train.run import TrainingOptions, find_training_set, train
from stores.model_keys import signing_key, verify_keys
from stores.offline.tables import OfflineStore


def train_recorded(job: Job, store: OfflineStore, choice: TrainingChoice) -> ModelManifest:
    """Train, on record, and compare with the current model; the manifest of the stored model.

    Raises what `jobs.train.run.train` raises, and SettingsError without keys.
    """
    source = find_training_set(store, job.feature_set, choice.revision)
    options = TrainingOptions(
        revision=choice.revision,
        key=signing_key(job.settings),
        current=current_model(job),
        velocity=choice.velocity,
        seed=choice.seed,
        sample=choice.sample,
        recipe=choice.recipe,
        reserved=memory_of_children(),
    )
    with recorded(job, "train", source.facts.end_day, reads=source.name):
        return train(store, job.feature_set, options)


def current_model(job: Job) -> CurrentModel:
    """The model that serves here, if it can."""
    try:
        folder = job.settings.model_path or current_folder()
        return CurrentModel(load_model(folder, job.feature_set, verify_keys(job.settings)))
    except NoCurrentModel:
        return CurrentModel()
    except ModelRefused as refused:
        if _is_absent(refused.folder):
            return CurrentModel(
                reason=f"none is in {refused.folder.name} yet, where ONTEM_MODEL says"
            )
        # It stands in the model's reports, which go where the paths of this machine say nothing.
        reason = refused.reason.replace(f"{refused.folder}/", "")
        return CurrentModel(reason=f"{refused.folder.name} is refused: {reason}")


def _is_absent(folder: Path) -> bool:
    """Whether there is nothing; False where that can't be known."""
    try:
        folder.lstat()
    except OSError as error:
        return isinstance(error, FileNotFoundError)
    return False
