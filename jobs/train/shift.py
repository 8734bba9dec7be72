"""By how much scores are too low or too high, as one number."""

from typing import Final

from features_pkg.array_types import Floats, Mask
from features_pkg.models.scoring import probability

FURTHEST: Final = 10.0
STEPS: Final = 60


def shift_of(labels: Mask, log_odds: Floats, counts: Floats) -> float:
    """By how much all log odds have to rise for the scores to add up to the fraud there is."""
    fraud = float(counts[labels].sum())
    low, high = -FURTHEST, FURTHEST
    for _ in range(STEPS):
        middle = (low + high) / 2
        if float(counts @ probability(log_odds + middle)) < fraud:
            low = middle
        else:
            high = middle
    return (low + high) / 2
