"""The parts of a report about costs, merchants, calibration and folds, in Markdown."""

from collections.abc import Iterator

from features_pkg.models.manifest import ModelManifest
from jobs.train.markdown import number, table


def cost_lines(manifest: ModelManifest) -> Iterator[str]:
    """What the block threshold costs on the hold-out; nothing without a rule of costs."""
    costs, rule = manifest.costs, manifest.threshold_rule
    if costs is None or rule.missed_fraud_cents is None or rule.refused_order_cents is None:
        return
    yield (
        f"A missed fraud costs R$ {rule.missed_fraud_cents / 100:,.2f} and a refused honest order "
        f"R$ {rule.refused_order_cents / 100:,.2f}. With orders refused from the block threshold "
        f"on, the hold-out costs R$ {costs.cents / 100:,.2f}; with none refused, "
        f"R$ {costs.nothing_refused_cents / 100:,.2f}."
    )
    yield ""


def merchant_lines(manifest: ModelManifest) -> Iterator[str]:
    """Thresholds of merchants; nothing where none has enough orders."""
    if not manifest.merchants:
        return
    yield "## Thresholds for merchants"
    yield ""
    columns = "merchant", "orders", "charged back", "shift", "review from", "block from"
    yield from table(
        (*columns, "review recall", "block recall"),
        [
            [
                *(f"{count:,}" for count in (each.merchant_id, each.orders, each.charged_back)),
                f"{each.shift:+.2f}",
                *(f"{at.threshold:.4f}" for at in (each.review, each.block)),
                *(number(at.recall) for at in (each.review, each.block)),
            ]
            for each in manifest.merchants
        ],
    )
    yield ""


def calibration_lines(manifest: ModelManifest) -> Iterator[str]:
    """How scores became shares of fraud, or why they did not."""
    yield "## Scores as shares of fraud"
    yield ""
    yield calibration_sentence(manifest)
    yield ""


def calibration_sentence(manifest: ModelManifest) -> str:
    """Which calibration there is and why, for people."""
    calibration, reason = manifest.calibration, manifest.calibration_reason
    if calibration is None:
        return f"Scores are what the estimator says, not calibrated: {reason}."
    points = f", {len(calibration.log_odds)} points" if calibration.method == "isotonic" else ""
    return (
        f"Scores are calibrated ({calibration.method}{points}), so that of the orders with a score "
        f"of 0.1 about a tenth should be fraud: {reason}."
    )


def fold_lines(manifest: ModelManifest) -> Iterator[str]:
    """What earlier models did on later orders; nothing without folds."""
    if not manifest.folds:
        return
    yield "## Folds"
    yield ""
    yield "Models of earlier orders, each measured on the orders of a later period."
    yield ""
    columns = "orders from", "to", "fitted on", "orders", "charged back"
    yield from table(
        (*columns, "ROC AUC", "average precision"),
        [
            [
                f"{fold.start:%Y-%m-%d %H:%M}Z",
                f"{fold.end:%Y-%m-%d %H:%M}Z",
                *(f"{count:,}" for count in (fold.fitted, fold.orders, fold.charged_back)),
                number(fold.roc_auc),
                number(fold.average_precision),
            ]
            for fold in manifest.folds
        ],
    )
    yield ""
