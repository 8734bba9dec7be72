"""What a model is judged by. A metric that needs both classes is None for data of one class."""

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from features_pkg.array_types import Floats, Ints, Mask
from features_pkg.models.manifest import Metrics, ThresholdMetrics
from jobs.train.orders import LabelledOrders

CARDS_A_DAY = 100


def measure(orders: LabelledOrders, scores: Floats, thresholds: tuple[float, float]) -> Metrics:
    """The metrics of `scores` on the hold-out `orders`."""
    both_classes = bool(orders.labels.any()) and not bool(orders.labels.all())
    review, block = (at_threshold(orders.labels, scores, threshold) for threshold in thresholds)
    return Metrics(
        roc_auc=float(roc_auc_score(orders.labels, scores)) if both_classes else None,
        average_precision=float(average_precision_score(orders.labels, scores))
        if both_classes
        else None,
        card_precision_at_100=card_precision(orders, scores) if both_classes else None,
        review=review,
        block=block,
    )


def at_threshold(labels: Mask, scores: Floats, threshold: float) -> ThresholdMetrics:
    """Precision and recall when every score from `threshold` up is called fraud."""
    flagged = scores >= threshold
    both_classes = bool(labels.any()) and not bool(labels.all())
    hits = int((flagged & labels).sum())
    return ThresholdMetrics(
        threshold=threshold,
        share=float(flagged.mean()) if len(flagged) else 0.0,
        precision=hits / int(flagged.sum()) if both_classes and flagged.any() else None,
        recall=hits / int(labels.sum()) if both_classes else None,
    )


def card_precision(orders: LabelledOrders, scores: Floats, k: int = CARDS_A_DAY) -> float | None:
    """Card precision@k: the mean over days of how many of the `k` riskiest cards were defrauded.

    As the "Reproducible Machine Learning for Credit Card Fraud Detection" handbook defines it: a
    card's risk is its highest score of the day, the divisor is `k` even if fewer cards were used,
    and a card that was found to be defrauded is left out on later days. None when no order has a
    card.
    """
    carded = orders.cards != 0
    cards, labels = orders.cards[carded], orders.labels[carded]
    days, risks = orders.days[carded], scores[carded]
    known_cards: set[int] = set()
    shares: list[float] = []
    for day in np.unique(days):
        of_day = days == day
        hits = _riskiest_frauds(cards[of_day], labels[of_day], risks[of_day], known_cards, k)
        known_cards |= hits
        shares.append(len(hits) / k)
    return float(np.mean(shares)) if shares else None


def _riskiest_frauds(
    cards: Ints,
    labels: Mask,
    risks: Floats,
    known_cards: set[int],
    k: int,
) -> set[int]:
    """The defrauded cards among the `k` riskiest of a day, without those known before."""
    risk: dict[int, float] = {}
    defrauded: set[int] = set()
    for card, label, score in zip(cards.tolist(), labels.tolist(), risks.tolist(), strict=True):
        if card in known_cards:
            continue
        risk[card] = max(score, risk.get(card, 0.0))
        if label:
            defrauded.add(card)
    riskiest = sorted(risk, key=lambda card: (-risk[card], card))[:k]
    return defrauded.intersection(riskiest)
