"""The retraining that a schedule starts: a training set of the newest days, and a model from it."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from features_pkg.models.manifest import ModelManifest, OtherLayout, decode_manifest
from jobs.job import Job
from jobs.run_record import Recording, recorded
from jobs.train.choice import USUAL_RECIPE, Recipe, TrainingChoice
from jobs.train.recorded import train_recorded
from jobs.training_set.facts import TrainingSetFacts, newest_training_sets, training_set_slot
from jobs.training_set.run import TrainingPeriod, training_set
from jobs.watermark import newest_readable_day
from stores.model_keys import signing_key
from stores.offline.models import StoredModels
from stores.offline.tables import OfflineStore, open_store
from stores.postgres.clock import database_clock
from stores.postgres.retraining import lock_retraining
from stores.postgres.runs import Outcome

DAYS = 180
LOOKED_AT = 20
"""How many of the newest training sets may be this day's."""


@dataclass(frozen=True, slots=True)
class Retrained:
    """The model of a day, and whether this run made it."""

    end_day: date
    model: ModelManifest
    is_new: bool


def retrain(
    job: Job,
    first_day: date | None = None,
    end_day: date | None = None,
    sample: int | None = None,
    recipe: Recipe = USUAL_RECIPE,
) -> Retrained:
    """The model of the days `[first_day, end_day)`, which is trained unless it is in the store.

    By default they are the last half year before the newest readable day. The model is fitted on at
    most `sample` orders. What a killed run left is taken up: its training set, or its model.

    Raises SettingsError without a key to sign with, RetrainRunning, and what building a training
    set and training raise.
    """
    with job.connect() as connection:
        key = signing_key(job.settings)  # before the hour that a training set takes
        store = open_store(job.settings)
        lock_retraining(connection)
        end_day = end_day or newest_readable_day(database_clock(connection), job.calendar)
        period = TrainingPeriod(
            first_day=first_day or end_day - timedelta(days=DAYS), end_day=end_day
        )
        with recorded(job, "retrain", end_day) as recording:
            number = _found_set(job, store, period)
            if number is not None:
                name = training_set_slot(job.feature_set.version).name(number)
                if found := _found_model(store, name, job, key.public, sample, recipe):
                    recording.outcome = Outcome.UNCHANGED
                    recording.result.revision = name
                    return Retrained(end_day, found, is_new=False)
                job.say(f"the training set {name} is there: only the model is missing")
            else:
                number = _build_set(job, period, recording)
            with recording.timer.stage("train"):
                model = train_recorded(
                    job, store, TrainingChoice(number, sample=sample, recipe=recipe)
                )
            recording.result.revision = model.training_set
            return Retrained(end_day, model, is_new=True)


def _build_set(job: Job, period: TrainingPeriod, recording: Recording) -> int:
    """The number of the training set of that period, which is built now."""
    job.say(f"training set from {period.first_day} to {period.end_day}")
    built = training_set(job, period, recording.timer)
    result = recording.result
    result.revision, result.rows, result.bytes = built.name, built.rows, built.bytes
    return built.number


def _found_set(job: Job, store: OfflineStore, period: TrainingPeriod) -> int | None:
    """The number of the newest training set that a retraining of that period made."""
    maturity_days = job.settings.label_maturity / timedelta(days=1)

    def fits(facts: TrainingSetFacts) -> bool:
        days = (facts.first_day, facts.end_day)
        return (
            days == (period.first_day, period.end_day)
            and facts.label_maturity_days == maturity_days
            and facts.labels_as_of >= facts.cutoff
            and not facts.stale_included
        )

    newest = newest_training_sets(store, job.feature_set.version, LOOKED_AT)
    return next((number for number, facts in reversed(newest) if fits(facts)), None)


def _found_model(
    store: OfflineStore,
    training_set_name: str,
    job: Job,
    key: bytes,
    sample: int | None,
    recipe: Recipe,
) -> ModelManifest | None:
    """The stored model of all features, such a sample and recipe that this key signed for a set."""
    models = StoredModels(store.files)
    for name in models.names():
        try:
            manifest = decode_manifest(Path(name), models.manifest(name))
        except OtherLayout:
            continue  # of another version of Ontem: it can't serve, so it is not the day's model
        if (
            manifest.training_set == training_set_name
            and manifest.signed_by == key.hex()
            and manifest.features == job.feature_set.names
            and _has_sample(manifest, sample)
            and manifest.recipe == tuple(recipe.words)
        ):
            return manifest
    return None


def _has_sample(manifest: ModelManifest, sample: int | None) -> bool:
    """Whether a training with that sample fits a model on as many orders as this one has."""
    orders = manifest.training.orders
    fitted = manifest.sampling.fitted if manifest.sampling else orders
    return fitted == min(sample or orders, orders)
