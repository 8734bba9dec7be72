"""A past and the training sets that are built from it."""

from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from jobs.job import Job
from jobs.training_set.facts import TrainingSetFacts
from jobs.training_set.run import TrainingPeriod, training_set
from stores.offline.revisions import Revision, read_revision
from stores.offline.tables import open_store
from tests.integration.history import History

WEEK = TrainingPeriod(first_day=date(2018, 5, 14), end_day=date(2018, 5, 21))


class TrainingShop:
    """A past and the training sets that are built from it."""

    def __init__(self, history: History, job: Job) -> None:
        self.history, self.job = history, job

    def build(self, period: TrainingPeriod = WEEK) -> tuple[Revision[TrainingSetFacts], pa.Table]:
        revision = training_set(self.job, period)
        store = open_store(self.job.settings)
        assert read_revision(store, revision.name, TrainingSetFacts) == revision
        tables = []
        for file in revision.files:
            with store.files.open(file.key) as source:
                tables.append(pq.read_table(source))
        return revision, pa.concat_tables(tables).sort_by("order_pk")

    def rows(self, period: TrainingPeriod = WEEK) -> dict[str, dict[str, Any]]:
        return {row["order_id"]: row for row in self.build(period)[1].to_pylist()}
