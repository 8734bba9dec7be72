"""From extracted events to a committed training set."""

import uuid
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import cast

import pyarrow.compute as pc
import pyarrow.parquet as pq

from features_pkg.calendar import MICROSECOND, from_us, to_us
from features_pkg.queries import with_parameters
from jobs.extract.facts import events_slot
from jobs.extract.run import extract
from jobs.job import Job, StageTimer
from jobs.parted_files import SHUFFLED, PartedFiles
from jobs.parts import parts_of
from jobs.spark.reading import read_events, read_questions
from jobs.spark.session import number_of_parts, split_shuffles
from jobs.training_set.errors import LabelsFromTheFuture, NothingToTrainOn, PeriodEmpty
from jobs.training_set.facts import DATASET, LabelCounts, TrainingSetFacts, training_set_slot
from jobs.training_set.labels import LabelRule, Reason, quiet_sentence
from jobs.training_set.period import may_have_questions
from jobs.training_set.questions import TrainingQuestions
from jobs.training_set.rows import training_set_table
from jobs.training_set.writing import Written, write_training_set
from jobs.watermark import ReadBounds, wait_for_read_bounds
from stores.offline.commit import commit_run
from stores.offline.files import Files
from stores.offline.revisions import Revision
from stores.offline.runs import DataFile, Run, provenance, run_folder
from stores.offline.tables import OfflineStore, check_tables, open_store
from stores.postgres.clock import database_clock
from stores.postgres.connection import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPeriod:
    """Orders with a question on the local days `[first_day, end_day)`, labelled as of an instant.

    `labels_as_of` None is the database's clock.
    """

    first_day: date
    end_day: date
    labels_as_of: datetime | None = None
    include_stale: bool = False


@dataclass(frozen=True, slots=True)
class PreparedRun:
    """What one run knows before Spark starts."""

    connection: Connection
    store: OfflineStore
    read_bounds: ReadBounds
    questions: TrainingQuestions
    now: datetime


def training_set(
    job: Job, period: TrainingPeriod, timer: StageTimer | None = None
) -> Revision[TrainingSetFacts]:
    """Build and commit the training set of a period; its revision.

    Raises PeriodEmpty, DayNotOver while its last day is not over, StillWriting,
    LabelsFromTheFuture, and NothingToTrainOn when no order has a question.
    """
    if period.end_day <= period.first_day:
        raise PeriodEmpty(first_day=period.first_day, end_day=period.end_day)
    store = open_store(job.settings)
    tables = (events_slot(job.namespace), training_set_slot(job.feature_set.version))
    with job.connect() as connection:
        check_tables(store, [slot.table for slot in tables])
        prepared = prepare_run(job, period, connection, store)
        run = uuid.uuid4().hex
        folder = run_folder(DATASET, run)
        written = _build(job, period, prepared, folder, timer or StageTimer(job.say))
        facts = _facts(job, period, prepared, written)
        if not facts.orders:
            raise _nothing_to_train_on(period)
        training_run = Run(
            slot=training_set_slot(facts.feature_set),
            id=run,
            files=written.files,
            facts=facts,
            provenance=provenance(at=prepared.now, by="ontem training-set"),
        )
        return commit_run(store, training_set_table(job.feature_set), training_run)


def prepare_run(
    job: Job, period: TrainingPeriod, connection: Connection, store: OfflineStore
) -> PreparedRun:
    """Wait until all rows of the period are complete, and fix what is asked about them.

    Raises DayNotOver, StillWriting, LabelsFromTheFuture.
    """
    read_bounds = wait_for_read_bounds(connection, period.end_day, job.calendar, say=job.say)
    now = database_clock(connection)
    labels_as_of = period.labels_as_of or now
    if labels_as_of > now:
        raise LabelsFromTheFuture(labels_as_of=labels_as_of, now=now)
    if sentence := quiet_sentence(_newest_event(connection), labels_as_of):
        job.say(sentence)
    features, settings = job.feature_set, job.settings
    questions = TrainingQuestions(
        from_us=job.calendar.cutoff_us(period.first_day.toordinal()),
        to_us=job.calendar.cutoff_us(period.end_day.toordinal()),
        timezone=features.timezone,
        lag=features.snapshot_lag,
        rule=LabelRule(to_us(labels_as_of), settings.label_maturity // MICROSECOND),
        include_stale=period.include_stale,
    )
    return PreparedRun(connection, store, read_bounds, questions, now)


def _nothing_to_train_on(period: TrainingPeriod) -> NothingToTrainOn:
    return NothingToTrainOn(
        f"there is no order to train on from {period.first_day} to {period.end_day}",
        "choose days that have orders with --from and --to",
    )


def _build(
    job: Job, period: TrainingPeriod, prepared: PreparedRun, folder: str, timer: StageTimer
) -> Written:
    """Extract what is new, and write the rows into the run's folder. Raises NothingToTrainOn."""
    with timer.stage("extract what is new"):
        newest = prepared.read_bounds.newest
        extracted = extract(job, prepared.connection, prepared.store, newest).extractions
    with timer.stage("look for orders"):
        if not may_have_questions(prepared.store.files, extracted, prepared.questions):
            raise _nothing_to_train_on(period)
    with ExitStack() as stack:
        with timer.stage("start Spark"):
            spark = stack.enter_context(job.spark("ontem training-set"))
        with timer.stage("build the training set"):
            split_shuffles(spark, extracted.rows.order)
            events = read_events(spark, prepared.store.files, extracted)
            watermark_key = prepared.read_bounds.watermark_key
            orders = read_questions(events, watermark_key, extracted.rows)
            # Also where spark-submit was told too few, no task puts more orders together.
            parts = max(number_of_parts(spark), parts_of(extracted.rows.order, 1))
            shuffled = PartedFiles(prepared.store.files, f"{folder}/{SHUFFLED}", parts)
            with shuffled.while_there():
                return write_training_set(
                    orders, job.feature_set, prepared.questions, shuffled, folder
                )


def _facts(
    job: Job, period: TrainingPeriod, prepared: PreparedRun, written: Written
) -> TrainingSetFacts:
    features = job.feature_set
    reasons, live = _count_rows(prepared.store.files, written.files)
    return TrainingSetFacts(
        first_day=period.first_day,
        end_day=period.end_day,
        labels_as_of=from_us(prepared.questions.rule.instant_us),
        label_maturity_days=job.settings.label_maturity / timedelta(days=1),
        timezone=features.timezone,
        snapshot_lag_seconds=features.snapshot_lag.total_seconds(),
        feature_set=features.version,
        timelines=features.timelines_id,
        features=features.names,
        cutoff=prepared.read_bounds.cutoff,
        watermark_key=prepared.read_bounds.watermark_key,
        generation=prepared.read_bounds.generation,
        orders=sum(reasons.values()),
        live=live,
        stale_left_out=0 if period.include_stale else written.stale,
        stale_included=period.include_stale,
        labels=LabelCounts(
            charged_back=reasons[Reason.CHARGED_BACK],
            honest=reasons[Reason.HONEST],
            too_young=reasons[Reason.TOO_YOUNG],
            charged_back_late=reasons[Reason.CHARGED_BACK_LATE],
        ),
    )


def _count_rows(files: Files, described: tuple[DataFile, ...]) -> tuple[Counter[str], int]:
    """How many rows there are by the reason for their label, and how many are of live orders."""
    reasons: Counter[str] = Counter()
    live = 0
    for file in described:
        with files.open(file.key) as source:
            table = pq.read_table(source, columns=["label_reason", "live"])
        reasons.update(table["label_reason"].to_pylist())
        live += int(pc.sum(table["live"]).as_py() or 0)
    return reasons, live


def _newest_event(connection: Connection) -> datetime | None:
    query, parameters = with_parameters("newest_event", {})
    (row,) = connection.execute(query.encode(), parameters).fetchall()
    return cast(datetime | None, row[0])
