"""The retraining that a schedule starts: one model a day, whatever happened to the run before."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from features_pkg.models.loading import load_model
from features_pkg.models.manifest import LAYOUT
from features_pkg.models.signing import SigningKey
from jobs.job import Job
from jobs.train.retrain import Retrained, retrain
from jobs.training_set.facts import newest_training_sets
from stores.errors import SettingsError
from stores.offline.models import StoredModels
from stores.offline.tables import OfflineStore, open_store
from stores.postgres.connection import connect
from stores.postgres.retraining import RetrainRunning, lock_retraining
from stores.postgres.runs import newest_runs
from tests.integration.history import History, a_job
from tests.model_keys import SIGNING_KEY, VERIFY_KEYS

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

OTHER_PUBLIC = SigningKey(bytes(32)).public
FIRST, END = date(2018, 5, 21), date(2018, 6, 20)
LATER = datetime(2018, 6, 20, 12, tzinfo=UTC)
OLDER = {"layout": LAYOUT - 1}
ORDERS = (
    "INSERT INTO orders (merchant_id, order_id, event_at, content_hash, amount_cents, card,"
    " import_id) SELECT %s, 'o' || n, timestamptz '2018-05-20 00:00Z' + n * interval '2 hours',"
    " sha256(n::text::bytea), 1000 + n %% 7 * 100, 'card' || n %% 50, %s"
    " FROM generate_series(1, 360) AS n"
)


@pytest.fixture
def job(database_url: str, storage_url: str, spark: "SparkSession") -> Job:
    """A job at noon of the day after 30 days of orders, some of them charged back."""
    history = History(database_url)
    with history.connect() as connection:
        connection.execute(ORDERS, (history.merchant_id, history.import_id))
    for number in range(30, 360, 30):  # each after a day
        at = datetime(2018, 5, 20, tzinfo=UTC) + timedelta(hours=2 * number + 24)
        history.chargeback(f"o{number}", at)
    job = a_job(database_url, "redis://127.0.0.1:1", storage_url, spark)
    settings = replace(
        job.settings,
        model_signing_key=SIGNING_KEY.seed,
        model_verify_keys=VERIFY_KEYS.keys,
        label_maturity=timedelta(days=7),
    )
    return replace(job, settings=settings, clock=LATER)


def sets_of(store: OfflineStore, job: Job) -> list[int]:
    return [number for number, _ in newest_training_sets(store, job.feature_set.version, 9)]


def test_a_day_has_one_model_and_a_second_run_takes_up_what_the_first_one_left(job: Job) -> None:
    store = open_store(job.settings)
    models = StoredModels(store.files)

    first = retrain(job, FIRST)
    assert (first.end_day, first.is_new) == (END, True)
    folder = Path(models.location(first.model.name))
    assert load_model(folder, job.feature_set, VERIFY_KEYS).manifest == first.model
    assert first.model.training.charged_back > 0

    assert retrain(job, FIRST) == Retrained(END, first.model, is_new=False)
    store.files.delete(f"models/{first.model.name}/manifest.json")  # as if killed before its end
    assert retrain(job, FIRST) == first
    assert models.names() == [first.model.name]
    assert sets_of(store, job) == [1]
    with job.connect() as connection:
        ends = [(run.command, run.outcome, run.revision) for run in newest_runs(connection, 9)]
    of_set = first.model.training_set
    assert ends == [
        ("train", "done", of_set),
        ("retrain", "done", of_set),
        ("retrain", "unchanged", of_set),
        ("train", "done", of_set),
        ("retrain", "done", of_set),
    ]

    size = first.model.training.charged_back + 50
    sampled = retrain(job, FIRST, sample=size)
    assert sampled.is_new
    assert sampled.model.sampling is not None
    assert sampled.model.sampling.fitted == size
    assert retrain(job, FIRST, sample=size) == Retrained(END, sampled.model, is_new=False)
    assert retrain(job, FIRST, sample=10**6) == Retrained(END, first.model, is_new=False)

    written = json.loads(models.manifest(first.model.name))
    store.files.write("models/20180101-0/manifest.json", json.dumps(written | OLDER).encode())
    assert retrain(job, FIRST) == Retrained(END, first.model, is_new=False)
    store.files.delete_folder("models/20180101-0")

    other_key = replace(
        job.settings, model_signing_key=bytes(32), model_verify_keys=(OTHER_PUBLIC,)
    )
    rotated = retrain(replace(job, settings=other_key), FIRST)
    assert rotated.is_new
    assert rotated.model.signed_by == OTHER_PUBLIC.hex()
    assert sets_of(store, job) == [1]


def test_a_second_retraining_at_the_same_time_is_refused(job: Job, database_url: str) -> None:
    with connect(database_url, application_name="test") as other:
        lock_retraining(other)

        with pytest.raises(RetrainRunning, match="another `ontem retrain` runs"):
            retrain(job, FIRST)


def test_without_a_key_to_sign_with_no_hour_is_spent_on_a_training_set(job: Job) -> None:
    unsigned = replace(job, settings=replace(job.settings, model_signing_key=b""))

    with pytest.raises(SettingsError, match="ONTEM_MODEL_SIGNING_KEY is not set"):
        retrain(unsigned, FIRST)
    assert sets_of(open_store(job.settings), job) == []
