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
from ontem.demo import audit
from ontem.demo.folder import MERCHANT, Place, command
from ontem.demo.nights import nights_before
from ontem.demo.orders import DemoOrders, LiveOrder
from ontem.demo.replay import Replay, Replayed, clock_of_night, service
from ontem.demo.report import Report
from ontem.demo.stages import Stages
from stores.files.manifest import newest_revision, read_manifest
from stores.files.store import open_store
from stores.postgres.connection import Connection, connect
from stores.postgres.merchants import Merchant, add_merchant, change_policy, issue_key
from stores.settings import Settings

WARM_UP_DAYS = 30


@dataclass(slots=True)
class Demo:
    """The steps, in order; each leaves what the next one needs."""

    place: Place
    console: Console
    stages: Stages
    snapshots: list[str] = field(default_factory=list)

    def run(self, orders: DemoOrders) -> Report:
        """All of it."""
        history = orders.history()
        settings = self.place.settings()
        features = FeatureSet(settings.timezone, settings.snapshot_lag)
        merchant = self._import(history, settings)
        calendar = Calendar(settings.timezone)
        for day in nights_before(orders.split_us, calendar, features.snapshot_lag):
            self.night(day)
        self._training_set(history, orders.split_us, settings)
        models = {name: self._train(name) for name in ("model", "model-without-velocity")}
        model, plain = (load_model(folder, features) for folder in models.values())
        self._decide_by(model, merchant, settings)
        replayed = self._replay(orders, merchant, settings)
        training = self._training_of_live_days(orders, settings, features)
        with connect(settings.postgres_url, application_name="ontem demo") as session:
            found = audit.compare(training, audit.stored_vectors(session), features)
            riskiest = _riskiest(session, model)
        return self._report(orders, (model, plain), replayed, found, riskiest)

    def night(self, day: int) -> None:
        """The night job that publishes the snapshot of `day`, on that night's clock."""
        settings = self.place.settings()
        clock = clock_of_night(day, Calendar(settings.timezone))
        named = date.fromordinal(day).isoformat()
        words = command("jobs", "snapshot", "--as-of", named, "--clock", clock.isoformat())
        self.stages.run(f"night: snapshot {named}", words, self.place.variables())
        self.snapshots.append(named)

    def _import(self, history: pa.Table, settings: Settings) -> Merchant:
        with connect(settings.postgres_url, application_name="ontem demo") as session:
            merchant = add_merchant(session, MERCHANT)
            key = issue_key(session, merchant)
            session.commit()
        self.place.key_file.touch(mode=0o600)
        self.place.key_file.write_text(key.text, encoding="utf-8")
        path = self.place.folder / "history.parquet"
        pq.write_table(history, path)
        rejects = str(self.place.folder / "rejects.csv")
        words = command("ontem", "import", str(path), "--merchant", MERCHANT, "--rejects", rejects)
        name = f"import {history.num_rows:,} orders of history"
        self.stages.run(name, words, self.place.variables())
        return merchant

    def _training_set(self, history: pa.Table, split_us: int, settings: Settings) -> None:
        calendar = Calendar(settings.timezone)
        us = history["event_at"].cast(pa.int64()).to_numpy()
        first, last = calendar.day_of(int(us.min())), calendar.day_of(split_us)
        warm_up = min(WARM_UP_DAYS, (last - first) // 8)
        words = (
            "--from", date.fromordinal(first + warm_up).isoformat(),
            "--to", date.fromordinal(last).isoformat(),
            "--labels-as-of", from_us(calendar.cutoff_us(last)).isoformat(),
            "--clock", from_us(max(split_us, calendar.cutoff_us(last) + 10_000_000)).isoformat(),
        )  # fmt: skip
        named = command("jobs", "training-set", *words)
        self.stages.run("training set of the history", named, self.place.variables())

    def _train(self, name: str) -> Path:
        folder = self.place.folder / name
        words = command("jobs", "train", "--output", str(folder))
        plain = name != "model"
        words += ["--without-velocity"] if plain else []
        stage = f"train {'without' if plain else 'with'} velocity features"
        self.stages.run(stage, words, self.place.variables())
        return folder

    def _decide_by(self, model: Model, merchant: Merchant, settings: Settings) -> None:
        metrics = model.manifest.metrics
        with connect(settings.postgres_url, application_name="ontem demo") as session:
            change_policy(
                session,
                merchant.name,
                review_at=metrics.review.threshold,
                block_at=metrics.block.threshold,
            )
            session.commit()

    def _replay(self, orders: DemoOrders, merchant: Merchant, settings: Settings) -> Replayed:
        happens = list(orders.live())
        sent = sum(isinstance(one, LiveOrder) for one in happens)
        columns = (TextColumn("  live requests"), BarColumn(), MofNCompleteColumn())
        log = self.place.folder / "logs" / "service.log"
        with service(self.place, log) as port, Progress(*columns, console=self.console) as bar:
            task = bar.add_task("", total=sent)
            replay = Replay(
                port=port,
                api_key=self.place.key_file.read_text(encoding="utf-8"),
                settings=settings,
                merchant_id=merchant.merchant_id,
                night=self.night,
                tell=lambda done: bar.update(task, completed=done),
            )
            return replay.run(iter(happens), orders.split_us)

    def _training_of_live_days(
        self, orders: DemoOrders, settings: Settings, features: FeatureSet
    ) -> pa.Table:
        calendar = Calendar(settings.timezone)
        first, last = calendar.day_of(orders.split_us), calendar.day_of(orders.end_us)
        words = (
            "--from", date.fromordinal(first).isoformat(),
            "--to", date.fromordinal(last + 1).isoformat(),
            "--include-stale",
            "--clock", clock_of_night(last + 1, calendar).isoformat(),
        )  # fmt: skip
        named = command("jobs", "training-set", *words)
        self.stages.run("training set of the live days", named, self.place.variables())
        store = open_store(settings.storage_url)
        slot = training_set_slot(features.version)
        key = slot.key(newest_revision(store, slot))
        found = read_manifest(store, key, TrainingSetFacts)
        return pa.concat_tables(pq.read_table(store.open(file.key)) for file in found.files)

    def _report(
        self,
        orders: DemoOrders,
        models: tuple[Model, Model],
        replayed: Replayed,
        found: audit.Audit,
        riskiest: dict[str, Any],
    ) -> Report:
        manifest, plain = (model.manifest for model in models)
        return Report(
            orders=orders.table.num_rows,
            orders_imported=orders.history().num_rows,
            orders_live=len(replayed.seconds),
            chargebacks_live=replayed.chargebacks,
            snapshots=self.snapshots,
            feature_values_compared=found.compared,
            feature_values_different=found.different,
            feature_values_not_readable=found.left_out,
            evaluations_not_in_training=found.not_in_training,
            different_examples=found.examples,
            evaluate_p50_ms=replayed.percentile_ms(0.5),
            evaluate_p99_ms=replayed.percentile_ms(0.99),
            degraded=replayed.degraded,
            decisions=replayed.decisions,
            features=len(manifest.features),
            feature_set=manifest.feature_set,
            model=manifest.name,
            roc_auc=manifest.metrics.roc_auc,
            roc_auc_without_velocity=plain.metrics.roc_auc,
            average_precision=manifest.metrics.average_precision,
            card_precision_at_100=manifest.metrics.card_precision_at_100,
            hold_out_orders=manifest.hold_out.orders,
            hold_out_charged_back=manifest.hold_out.charged_back,
            scored_order=riskiest,
            stages=self.stages.seconds,
        )


def _riskiest(session: Connection, model: Model) -> dict[str, Any]:
    with session.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(
            "SELECT order_id, score, decision, vector FROM evaluations "
            "WHERE score IS NOT NULL ORDER BY score DESC, evaluated_at LIMIT 1"
        ).fetchone()
    if row is None:
        return {}
    order_id, score, decision, vector = row
    values = np.frombuffer(bytes(vector), dtype="<f8")
    telling = [asdict(one) for one in model.explain(values, 10)]
    return {"order_id": order_id, "score": score, "decision": decision, "telling": telling}
