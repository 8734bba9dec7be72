"""The parts of a report about calibration and folds, in Markdown."""

from collections.abc import Iterator

from features_pkg.models.manifest import ModelManifest
from jobs.train.markdown import number, table


def calibration_lines(manifest: ModelManifest) -> Iterator[str]:
    """How scores became shares of fraud, or why they did not."""
    calibration = manifest.calibration
    yield "## Scores as shares of fraud"
    yield ""
    if calibration is None:
        yield f"Scores are what the estimator says, not calibrated: {manifest.not_calibrated}."
    else:
        yield (
            f"Scores are calibrated ({calibration.method}, {len(calibration.log_odds)} points) by "
            "orders that the folds were not fitted on: of the orders with a score of 0.1, about a "
            "tenth should be fraud."
        )
    yield ""


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
