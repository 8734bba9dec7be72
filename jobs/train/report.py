"""What people read before they let a model serve."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from features_pkg.array_types import Floats
from features_pkg.calendar import to_us
from features_pkg.models.loading import Model
from features_pkg.models.manifest import (
    LabelledPeriod,
    Metrics,
    ModelManifest,
    ThresholdMetrics,
    made_by,
    sampling_sentence,
)
from features_pkg.models.validation import Interval
from jobs.train.interval_report import difference_lines, interval_lines
from jobs.train.markdown import number, table
from jobs.train.metrics import measure
from jobs.train.orders import LabelledOrders
from jobs.train.validation_report import (
    calibration_lines,
    cost_lines,
    fold_lines,
    merchant_lines,
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """How another model does on the same hold-out, at its own thresholds.

    `knew_hold_out`: some of these orders were in its training, so it looks better than it is. The
    differences are by how much the new model is above it, as intervals.
    """

    model: str
    metrics: Metrics
    knew_hold_out: bool
    roc_auc_difference: Interval | None = None
    average_precision_difference: Interval | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """A model by its manifest, which lacks the hashes of the reports, beside the current one.

    Without a comparison `not_compared` says why.
    """

    manifest: ModelManifest
    comparison: Comparison | None
    not_compared: str


@dataclass(frozen=True, slots=True)
class CurrentModel:
    """The model that serves now; None, with the reason, where there is none that can be loaded."""

    model: Model | None = None
    reason: str = "no model is current"

    def scoring(self, features: Sequence[str]) -> tuple[Callable[[Floats], Floats] | None, str]:
        """What scores rows whose columns are `features`; None, with the reason, if it can't."""
        if self.model is None:
            return None, self.reason
        manifest, scorer = self.model.manifest, self.model.scorer
        position_of = {name: position for position, name in enumerate(features)}
        missing = [name for name in manifest.features if name not in position_of]
        if missing:
            return None, f"{manifest.name}, which is current, needs {missing[0]}, too"
        columns = [position_of[name] for name in manifest.features]
        return lambda rows: scorer.scores(rows[:, columns]), ""

    def compare(self, hold_out: LabelledOrders, scores: Floats) -> Comparison | None:
        """Its metrics on the hold-out, to which it gave these scores."""
        if self.model is None:
            return None
        manifest = self.model.manifest
        thresholds = (manifest.metrics.review.threshold, manifest.metrics.block.threshold)
        knew = len(hold_out) > 0 and to_us(manifest.training.end) > int(hold_out.asked_us[0])
        metrics = measure(hold_out, scores, thresholds)
        return Comparison(manifest.name, metrics, knew_hold_out=knew)


NONE_CURRENT: Final = CurrentModel()


def encode_report(report: Report) -> bytes:
    """The bytes of `report.json`."""
    return msgspec.json.format(msgspec.json.encode(report), indent=1) + b"\n"


def readable_report(report: Report) -> str:
    """The report in Markdown."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    manifest = report.manifest
    features = len(manifest.features)
    yield f"# Model {manifest.name}"
    yield ""
    yield (
        f"Trained on `{manifest.training_set}`, by {made_by(manifest)}, with {features} features."
    )
    if manifest.sampling:
        yield ""
        yield f"Fitted on {sampling_sentence(manifest.sampling)}. The hold-out is complete."
    yield ""
    yield from table(
        ("period", "orders from", "to", "orders", "charged back", "labels known at"),
        [_period("training", manifest.training), _period("hold-out", manifest.hold_out)],
    )
    yield ""
    yield "## On the hold-out"
    yield ""
    yield from _comparison(report)
    yield ""
    yield from _thresholds(report)
    yield ""
    yield from interval_lines(manifest)
    if other := report.comparison:
        differences = other.roc_auc_difference, other.average_precision_difference
        yield from difference_lines(other.model, *differences)
    yield from cost_lines(manifest)
    yield from merchant_lines(manifest)
    yield from calibration_lines(manifest)
    yield from fold_lines(manifest)
    yield "## What it depends on"
    yield ""
    yield from table(("what", "value"), dependencies(manifest))


def _comparison(report: Report) -> Iterator[str]:
    manifest, other = report.manifest, report.comparison
    columns = ["metric", manifest.name] + ([f"{other.model} (current)"] if other else [])
    measured = [manifest.metrics] + ([other.metrics] if other else [])
    yield from table(
        columns,
        [
            ["ROC AUC", *(number(each.roc_auc) for each in measured)],
            ["average precision", *(number(each.average_precision) for each in measured)],
            ["card precision@100", *(number(each.card_precision_at_100) for each in measured)],
        ],
    )
    if other is None:
        yield ""
        yield f"Not compared with a current model: {report.not_compared}."
    elif other.knew_hold_out:
        yield ""
        yield (
            f"Some orders of the hold-out were in the training of {other.model}, so its numbers "
            "look better than they are."
        )


def _thresholds(report: Report) -> Iterator[str]:
    rows = [_threshold(report.manifest.name, report.manifest.metrics)]
    if report.comparison:
        rows.append(_threshold(report.comparison.model, report.comparison.metrics))
    columns = ("model", "decision", "score from", "orders", "precision", "recall")
    yield from table(columns, [row for pair in rows for row in pair])


def _threshold(model: str, metrics: Metrics) -> list[list[str]]:
    def row(decision: str, at: ThresholdMetrics) -> list[str]:
        share, precision, recall = f"{at.share:.2%}", number(at.precision), number(at.recall)
        return [model, decision, f"{at.threshold:.4f}", share, precision, recall]

    return [row("review", metrics.review), row("block", metrics.block)]


def _period(name: str, period: LabelledPeriod) -> list[str]:
    instants = [f"{at:%Y-%m-%d %H:%M}Z" for at in (period.start, period.end, period.known_at)]
    return [name, *instants[:2], f"{period.orders:,}", f"{period.charged_back:,}", instants[2]]


def dependencies(manifest: ModelManifest) -> list[list[str]]:
    """What a model depends on: names and values, in Markdown."""
    return [
        ["training set", f"`{manifest.training_set}`"],
        ["its Iceberg snapshot", f"{manifest.training_set_snapshot_id}"],
        ["its metadata", f"`{manifest.training_set_metadata_location}`"],
        ["built at", f"{manifest.training_set_built_at:%Y-%m-%d %H:%M:%S}Z"],
        ["labels as of", f"{manifest.labels_as_of:%Y-%m-%d %H:%M:%S}Z"],
        ["label maturity", f"{manifest.label_maturity_days:g} days"],
        ["feature set", f"`{manifest.feature_set}`"],
        ["timelines", f"`{manifest.timelines}`"],
        ["time zone", manifest.timezone],
        ["snapshot lag", f"{manifest.snapshot_lag_seconds:g} s"],
        ["seed", f"{manifest.seed}"],
        *([name, version] for name, version in sorted(manifest.libraries.items())),
        ["signed by", f"`{manifest.signed_by}`"],
    ]
