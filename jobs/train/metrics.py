"""What a model is judged by. A number that one class alone can't give is None."""

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from features_pkg.array_types import Floats, Ints, Mask
from features_pkg.models.manifest import Metrics, ThresholdMetrics
from jobs.train.examples import Examples

REVIEWED_SHARE = 0.02
BLOCKED_SHARE = 0.005
CARDS_A_DAY = 100


def suggest_thresholds(scores: Floats) -> tuple[float, float]:
    """Scores at or above which at most about 2 % and 0.5 % of the orders lie, just past them.

    So where many orders share one score, as when a model knows one class alone, it is below. Of
    orders the model has not seen: those it learnt from get scores that later ones never reach.
    No label is looked at, so what the thresholds then catch is still a fair measure.
    """
    quantiles = np.quantile(scores, [1 - REVIEWED_SHARE, 1 - BLOCKED_SHARE])
    review, block = np.minimum(np.nextafter(quantiles, 2.0), 1.0)
    return float(review), float(block)


def measure(examples: Examples, scores: Floats, thresholds: tuple[float, float]) -> Metrics:
    """The metrics of `scores` on the hold-out `examples`."""
    both = bool(examples.labels.any()) and not bool(examples.labels.all())
    review, block = (at_threshold(examples.labels, scores, each) for each in thresholds)
    return Metrics(
        roc_auc=float(roc_auc_score(examples.labels, scores)) if both else None,
        average_precision=float(average_precision_score(examples.labels, scores)) if both else None,
        card_precision_at_100=card_precision(examples, scores) if both else None,
        review=review,
        block=block,
    )


def at_threshold(labels: Mask, scores: Floats, threshold: float) -> ThresholdMetrics:
    """Precision and recall when every score from `threshold` up is called fraud."""
    called = scores >= threshold
    both = bool(labels.any()) and not bool(labels.all())
    right = int((called & labels).sum())
    return ThresholdMetrics(
        threshold=threshold,
        share=float(called.mean()) if len(called) else 0.0,
        precision=right / int(called.sum()) if both and called.any() else None,
        recall=right / int(labels.sum()) if both else None,
    )


def card_precision(examples: Examples, scores: Floats, k: int = CARDS_A_DAY) -> float | None:
    """Card precision@k: the mean over days of how many of the `k` riskiest cards were defrauded.

    As the "Reproducible Machine Learning for Credit Card Fraud Detection" handbook defines it: a
    card's risk is its highest score of the day, `k` divides also when fewer cards were used, and a
    card that was found defrauded is not looked at again. None when no order has a card.
    """
    carded = examples.cards != 0
    cards, labels = examples.cards[carded], examples.labels[carded]
    days, risks = examples.days[carded], scores[carded]
    found: set[int] = set()
    shares: list[float] = []
    for day in np.unique(days):
        of_day = days == day
        right = _riskiest_frauds(cards[of_day], labels[of_day], risks[of_day], found, k)
        found |= right
        shares.append(len(right) / k)
    return float(np.mean(shares)) if shares else None


def _riskiest_frauds(
    cards: Ints,
    labels: Mask,
    risks: Floats,
    found: set[int],
    k: int,
) -> set[int]:
    """The defrauded ones among the day's `k` riskiest cards that were not found before."""
    risk: dict[int, float] = {}
    defrauded: set[int] = set()
    for card, label, score in zip(cards.tolist(), labels.tolist(), risks.tolist(), strict=True):
        if card in found:
            continue
        risk[card] = max(score, risk.get(card, 0.0))
        if label:
            defrauded.add(card)
    riskiest = sorted(risk, key=lambda card: (-risk[card], card))[:k]
    return defrauded.intersection(riskiest)
