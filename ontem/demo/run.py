"""One demo from its orders to its report."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from psycopg.rows import tuple_row
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from features_pkg.calendar import Calendar, from_us
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.models.loading import Model, load_model
from jobs.training_set.facts import TrainingSetFacts, training_set_slot
from ontem.demo.audit import Audit, compare_vectors, stored_vectors
from ontem.demo.folder import DemoFolder
from ontem.demo.nights import AFTER_CUTOFF_US, clock_of_night, nights_before
from ontem.demo.orders import DemoOrders, LiveOrder
from ontem.demo.replay import Replay, ReplayResult, running_service
from ontem.demo.report import Report
from ontem.demo.stages import DemoStages, python_module
from ontem.warm_up import warm_up_days
from stores.model_keys import verify_keys
from stores.offline.revisions import newest_revision, read_revision
from stores.offline.tables import open_store
from stores.postgres.connection import Connection, connect
from stores.postgres.issued_keys import issue_key
from stores.postgres.merchants import Merchant, add_merchant, change_policy
from stores.settings import Settings

MERCHANT = "demo"


@dataclass(slots=True)
class Demo:
    """The steps of a demo, in order; each leaves what the next one needs."""

    folder: DemoFolder
    console: Console
    stages: DemoStages
    snapshots: list[str] = field(default_factory=list)

    def run(self, orders: DemoOrders) -> Report:
        """Run all steps; the report says whether training repeats serving."""
        history = orders.history()
        pq.write_table(orders.table, self.folder.orders_file)
        settings = self.folder.settings()
        features = FeatureSet(settings.timezone, settings.snapshot_lag)
        merchant = self._import_history(history, settings)
        calendar = Calendar(settings.timezone)
        for day in nights_before(orders.split_us, calendar, features.snapshot_lag):
            self.night(day)
        self._build_training_set(history, orders.split_us, settings)
        keys = verify_keys(settings)
        model = load_model(self._train(self.folder.model), features, keys)
        plain_folder = self.folder.path / "model-without-velocity"
        plain = load_model(self._train(plain_folder, "--without-velocity"), features, keys)
        self._take_thresholds(model, merchant, settings)
        result = self._replay(orders, merchant, settings)
        training = self._training_of_live_days(orders, settings, features)
        with connect(settings.postgres_url, application_name="ontem demo") as connection:
            audit = compare_vectors(training, stored_vectors(connection), features)
            riskiest = _riskiest_order(connection, model)
        return self._report(orders, (model, plain), result, audit, riskiest)

    def night(self, day: int) -> None:
        """Run the night job that publishes the snapshot of `day`, on that night's clock."""
        settings = self.folder.settings()
        clock = clock_of_night(day, Calendar(settings.timezone))
        as_of = date.fromordinal(day).isoformat()
        arguments = ("night", "--as-of", as_of, "--clock", clock.isoformat())
        self._run(f"night: snapshot {as_of}", "jobs", *arguments)
        self.snapshots.append(as_of)

    def _run(self, stage: str, module: str, *arguments: str) -> None:
        self.stages.run(stage, python_module(module, *arguments), self.folder.environ())

    def _import_history(self, history: pa.Table, settings: Settings) -> Merchant:
        with connect(settings.postgres_url, application_name="ontem demo") as connection:
            merchant = add_merchant(connection, MERCHANT)
            key = issue_key(connection, merchant)
            connection.commit()
        self.folder.key_file.touch(mode=0o600)
        self.folder.key_file.write_text(key.text, encoding="utf-8")
        path = self.folder.path / "history.parquet"
        pq.write_table(history, path)
        rejects = str(self.folder.path / "rejects.csv")
        arguments = ("import", str(path), "--merchant", MERCHANT, "--rejects", rejects)
        self._run(f"import {history.num_rows:,} orders of history", "ontem", *arguments)
        return merchant

    def _build_training_set(self, history: pa.Table, split_us: int, settings: Settings) -> None:
        calendar = Calendar(settings.timezone)
        us = history["event_at"].cast(pa.int64()).to_numpy()
        first, last = calendar.day_of(int(us.min())), calendar.day_of(split_us)
        warm_up = warm_up_days(last - first)
        clock_us = max(split_us, calendar.cutoff_us(last) + AFTER_CUTOFF_US)
        self._run(
            "training set of the history", "jobs", "training-set",
            "--from", date.fromordinal(first + warm_up).isoformat(),
            "--to", date.fromordinal(last).isoformat(),
            "--labels-as-of", from_us(calendar.cutoff_us(last)).isoformat(),
            "--clock", from_us(clock_us).isoformat(),
        )  # fmt: skip

    def _train(self, folder: Path, *options: str) -> Path:
        stage = f"train {'without' if options else 'with'} velocity features"
        chosen = ("--training-set", "1", "--output", str(folder))  # the store was empty
        self._run(stage, "jobs", "train", *chosen, *options)
        return folder

    def _take_thresholds(self, model: Model, merchant: Merchant, settings: Settings) -> None:
        """Let the merchant decide by the thresholds that training suggests."""
        metrics = model.manifest.metrics
        with connect(settings.postgres_url, application_name="ontem demo") as connection:
            change_policy(
                connection,
                merchant.name,
                review_at=metrics.review.threshold,
                block_at=metrics.block.threshold,
            )
            connection.commit()

    def _replay(self, orders: DemoOrders, merchant: Merchant, settings: Settings) -> ReplayResult:
        events = list(orders.live())
        to_send = sum(isinstance(event, LiveOrder) for event in events)
        columns = (TextColumn("  live requests"), BarColumn(), MofNCompleteColumn())
        log = self.stages.logs / "service.log"
        progress = Progress(*columns, console=self.console)
        with running_service(self.folder, log) as port, progress as bar:
            task = bar.add_task("", total=to_send)
            replay = Replay(
                port=port,
                api_key=self.folder.key_file.read_text(encoding="utf-8"),
                settings=settings,
                merchant_id=merchant.merchant_id,
                night=self.night,
                show_progress=lambda sent: bar.update(task, completed=sent),
            )
            return replay.run(events, orders.split_us)

    def _training_of_live_days(
        self, orders: DemoOrders, settings: Settings, features: FeatureSet
    ) -> pa.Table:
        calendar = Calendar(settings.timezone)
        first, last = calendar.day_of(orders.split_us), calendar.day_of(orders.end_us)
        self._run(
            "training set of the live days", "jobs", "training-set",
            "--from", date.fromordinal(first).isoformat(),
            "--to", date.fromordinal(last + 1).isoformat(),
            "--include-stale",
            "--clock", clock_of_night(last + 1, calendar).isoformat(),
        )  # fmt: skip
        store = open_store(settings)
        slot = training_set_slot(features.version)
        name = slot.name(newest_revision(store, slot))
        revision = read_revision(store, name, TrainingSetFacts)
        files = (store.files.open(file.key) for file in revision.files)
        return pa.concat_tables(map(pq.read_table, files))

    def _report(
        self,
        orders: DemoOrders,
        models: tuple[Model, Model],
        result: ReplayResult,
        audit: Audit,
        riskiest: dict[str, Any],
    ) -> Report:
        manifest, plain = (model.manifest for model in models)
        return Report(
            orders=orders.table.num_rows,
            orders_imported=orders.history().num_rows,
            orders_live=len(result.seconds),
            chargebacks_live=result.chargebacks,
            snapshots=self.snapshots,
            feature_values_compared=audit.compared,
            feature_values_different=audit.different,
            feature_values_not_readable=audit.not_readable,
            evaluations_not_in_training=audit.not_in_training,
            different_examples=audit.examples,
            evaluate_p50_ms=result.percentile_ms(0.5),
            evaluate_p99_ms=result.percentile_ms(0.99),
            degraded=result.degraded,
            decisions=result.decisions,
            features=len(manifest.features),
            feature_set=manifest.feature_set,
            model=manifest.name,
            roc_auc=manifest.metrics.roc_auc,
            roc_auc_without_velocity=plain.metrics.roc_auc,
            average_precision=manifest.metrics.average_precision,
            card_precision_at_100=manifest.metrics.card_precision_at_100,
            hold_out_orders=manifest.hold_out.orders,
            hold_out_charged_back=manifest.hold_out.charged_back,
            riskiest_order=riskiest,
            stages=self.stages.seconds,
        )


def _riskiest_order(connection: Connection, model: Model) -> dict[str, Any]:
    """The order with the highest score, and what moved it; empty when there is no score."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(
            "SELECT order_id, score, decision, vector FROM evaluations "
            "WHERE score IS NOT NULL ORDER BY score DESC, evaluated_at LIMIT 1"
        ).fetchone()
    if row is None:
        return {}
    order_id, score, decision, vector = row
    values = np.frombuffer(bytes(vector), dtype="<f8")
    explanation = [asdict(contribution) for contribution in model.explain(values, 10)]
    return {"order_id": order_id, "score": score, "decision": decision, "explanation": explanation}
