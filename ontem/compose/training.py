"""The first model of a stack: on which orders it is trained, and copying it to where it serves."""

from datetime import date
from pathlib import Path

from features_pkg.calendar import to_us
from jobs.job import Job
from jobs.train.choice import TrainingChoice
from jobs.train.commands import describe_model
from jobs.train.recorded import train_recorded
from jobs.training_set.facts import newest_training_sets
from ontem.compose.errors import NoOrdersToLearnFrom
from ontem.compose.orders import span_of_orders
from ontem.warm_up import warm_up_days
from stores.offline.models import StoredModels
from stores.offline.tables import open_store


def first_training_day(job: Job) -> date:
    """The first day of the orders to train on. Raises NoOrdersToLearnFrom."""
    with job.connect() as connection:
        span = span_of_orders(connection)
    if span is None:
        raise NoOrdersToLearnFrom
    first, last = (job.calendar.day_of(to_us(at)) for at in span)
    return date.fromordinal(first + warm_up_days(last - first))


def train_newest(job: Job, folder: Path) -> None:
    """Train on the newest training set of these settings, and copy the model into `folder`.

    Raises what `train_recorded` raises.
    """
    store = open_store(job.settings)
    ((revision, _),) = newest_training_sets(store, job.feature_set.version, most=1)
    model = train_recorded(job, store, TrainingChoice(revision))
    models = StoredModels(store.files)
    models.fetch(model.name, folder)
    describe_model(model, models)
