"""The model card: what a model is for, what it was trained on, and where it ends."""

from collections.abc import Iterator
from typing import Final

from features_pkg.models.manifest import ModelManifest, made_by, sampling_sentence
from jobs.train.page.binning import LEAST_ORDERS
from jobs.train.page.figures import Figures
from jobs.train.page.numbers import counted, percent

FEW_CHARGED_BACK: Final = 200
"""With fewer charged back orders in the hold-out, figures say little."""


def card(manifest: ModelManifest, figures: Figures) -> Iterator[tuple[str, list[str]]]:
    """Headings, each with its sentences."""
    yield "What it is for", list(_purpose(manifest))
    yield "What it was trained on", list(_training(manifest, figures))
    yield "What it must not be used for", list(_misuse(manifest))
    yield "Its limits", list(_limits(manifest))
    yield "What this page shows of orders", list(_privacy())


def _purpose(manifest: ModelManifest) -> Iterator[str]:
    metrics = manifest.metrics
    meaning = (
        "an estimate, not calibrated, of the share"
        if manifest.calibration is None
        else ("the share")
    )
    yield (
        f"It gives an order, at the moment it is placed, a score from 0 to 1: {meaning} of such "
        f"orders that are charged back within {manifest.label_maturity_days:g} days. "
        "A merchant's policy makes it allow, review or block."
    )
    yield (
        f"The thresholds suggested here are {metrics.review.threshold:.4f} for review "
        f"({percent(metrics.review.share)} of the hold-out's orders) and "
        f"{metrics.block.threshold:.4f} for blocking ({percent(metrics.block.share)})."
    )


def _training(manifest: ModelManifest, figures: Figures) -> Iterator[str]:
    training, hold_out = manifest.training, manifest.hold_out
    yield (
        f"{counted(training.orders, 'order')} from {training.start:%Y-%m-%d} to "
        f"{training.end:%Y-%m-%d}, {training.charged_back:,} of them charged back, with "
        f"{counted(len(manifest.features), 'feature')}, by {made_by(manifest)}. Days "
        f"are those of {manifest.timezone}."
    )
    yield (
        f"All figures here are of the {counted(hold_out.orders, 'order')} after them, the "
        f"hold-out from {hold_out.start:%Y-%m-%d} to {hold_out.end:%Y-%m-%d}, "
        f"{hold_out.charged_back:,} of them charged back. The model was not fitted on any of "
        "them, and between the two lies a gap in which the labels of the first became known."
    )
    if manifest.sampling:
        yield f"It was fitted on {sampling_sentence(manifest.sampling)}."
    if figures.extent and figures.extent.gaps:
        yield f"{counted(figures.extent.empty_days, 'day')} of the training set had no order."


def _misuse(manifest: ModelManifest) -> Iterator[str]:
    yield (
        "To judge people: it scores orders, and says nothing about credit, employment or "
        "character. A high score is no proof of fraud."
    )
    yield (
        "To refuse orders for good without anybody who can look again: a blocked order is never "
        "charged back, so a wrong decision would not be noticed."
    )
    yield (
        "For other merchants or countries than those it was trained on, or with other features "
        f"than those of the feature set {manifest.feature_set}: the service refuses the latter."
    )


def _limits(manifest: ModelManifest) -> Iterator[str]:
    training, hold_out = manifest.training, manifest.hold_out
    yield (
        "It learns chargebacks, not fraud: what nobody disputed within "
        f"{manifest.label_maturity_days:g} days counts as honest, and a dispute over a late "
        "parcel as fraud."
    )
    yield (
        f"It knows how people bought until {training.end:%Y-%m-%d}, and nothing that is newer. "
        "Where recall falls over time, train again."
    )
    if manifest.metrics.roc_auc is None:
        yield (
            "The hold-out has orders of one outcome only, so nobody knows whether the scores tell "
            "outcomes apart."
        )
    elif hold_out.charged_back < FEW_CHARGED_BACK:
        yield (
            f"Only {counted(hold_out.charged_back, 'order')} of the hold-out "
            f"{'was' if hold_out.charged_back == 1 else 'were'} charged back: with other orders, "
            "the figures could be quite different."
        )
    if training.charged_back in (0, training.orders):
        yield "It was trained on orders of one outcome only, so it gives all orders one score."
    medians = zip(manifest.features, manifest.medians, strict=True)
    if empty := [name for name, median in medians if median is None]:
        yield (
            f"{counted(len(empty), 'feature')} had no value in training and can't move a score, "
            f"such as {empty[0]}."
        )


def _privacy() -> Iterator[str]:
    yield (
        "Nothing of a single order: it shows counts, shares and sums over many. A bar has at "
        f"least {LEAST_ORDERS} orders, and of each outcome none or as many; smaller ones are "
        "merged with their neighbours, and an outcome with fewer orders in all is left out. The "
        "outer bars are open, and the bounds between bars are rounded, so that none "
        "is an order's value. Only the number of orders a day is shown as it is."
    )
