"""The parts of a report about how sure its figures are, in Markdown."""

from collections.abc import Iterator

from features_pkg.models.manifest import ModelManifest
from features_pkg.models.validation import Interval
from jobs.train.markdown import number, table


def interval_lines(manifest: ModelManifest) -> Iterator[str]:
    """The intervals of the metrics on the hold-out; nothing without."""
    intervals, metrics = manifest.intervals, manifest.metrics
    if intervals is None:
        return
    rows = (
        ("ROC AUC", metrics.roc_auc, intervals.roc_auc),
        ("average precision", metrics.average_precision, intervals.average_precision),
        ("recall of review", metrics.review.recall, intervals.review_recall),
        ("precision of review", metrics.review.precision, intervals.review_precision),
        ("recall of block", metrics.block.recall, intervals.block_recall),
        ("precision of block", metrics.block.precision, intervals.block_precision),
    )
    yield "## How sure that is"
    yield ""
    yield (
        f"95 % of the figures of {intervals.times} hold-outs, each made of {intervals.resampled} "
        "that were drawn from this one with replacement, lie between:"
    )
    yield ""
    yield from table(
        ("figure", "value", "from", "to"),
        [[name, number(value), *bounds(interval)] for name, value, interval in rows],
    )
    yield ""


def difference_lines(
    model: str, roc_auc: Interval | None, average_precision: Interval | None
) -> Iterator[str]:
    """By how much the model is above the current one."""
    yield f"By so much it is above {model}, on the same hold-outs:"
    yield ""
    yield from table(
        ("figure", "from", "to"),
        [["ROC AUC", *bounds(roc_auc)], ["average precision", *bounds(average_precision)]],
    )
    yield ""


def bounds(interval: Interval | None) -> list[str]:
    """Both ends, for people."""
    if interval is None:
        return ["null", "null"]
    return [number(interval.low), number(interval.high)]
