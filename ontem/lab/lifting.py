"""`lift`: what a model gains by the candidates, singly and together, and what would be a leak."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from jobs.train.split import split_by_time
from ontem.lab.computing import Computing
from ontem.lab.intervals import FEW_DAYS, Figures
from ontem.lab.models import Models, Times, part_of

LIFTED_ORDERS: Final = 60_000
"""Orders of the sample, training part and hold-out together."""
WITHOUT, TOGETHER = "without", "together"


@dataclass(frozen=True, slots=True)
class Leak:
    """What a candidate would seem to gain by the merchant's own times, and how much too much."""

    gain: Figures
    leaked: Figures


@dataclass(frozen=True, slots=True)
class LiftedCandidate:
    """The figures with a candidate, and what it gains over those without.

    `leak` is None where the merchant's own times give it the same values, so nothing would leak.
    """

    name: str
    figures: Figures
    gain: Figures
    leak: Leak | None


@dataclass(frozen=True, slots=True)
class LiftFigures:
    """What `lift` found: on which orders, with how many features, and with which intervals.

    `together` is None for a single candidate.
    """

    training: str
    hold_out: str
    hold_out_days: int
    features: int
    budget: float
    without: Figures
    candidates: tuple[LiftedCandidate, ...]
    together: LiftedCandidate | None

    @property
    def caution(self) -> str | None:
        """What to think of when the intervals are read."""
        if self.hold_out_days >= FEW_DAYS:
            return None
        return (
            f"the hold-out has {self.hold_out_days} days only: intervals over so few days are "
            "rough, so take a training set of more days"
        )


def lift(computing: Computing, *, budget: float, seed: int) -> LiftFigures:
    """Train with and without the candidates. Raises TooFewOrders, PeriodTooShort, NothingToTrainOn.

    The parts are those of a training: a gap of one maturity lies between them.
    """
    split = split_by_time(computing.source.labelled(), computing.source.maturity)
    share = len(split.training) / (len(split.training) + len(split.hold_out))
    training = part_of(computing, split.training, int(LIFTED_ORDERS * share), seed)
    hold_out = part_of(computing, split.hold_out, int(LIFTED_ORDERS * (1 - share)), seed)
    models = Models(training, hold_out, budget, seed)
    models.measure(WITHOUT, (), Times.KNOWN)
    names = [candidate.name for candidate in computing.candidates]
    candidates = tuple(_lifted(models, name, (name,)) for name in names)
    return LiftFigures(
        training=training.sampled.sentence,
        hold_out=hold_out.sampled.sentence,
        hold_out_days=models.resampled.days,
        features=len(computing.others),
        budget=budget,
        without=models.resampled.of(WITHOUT),
        candidates=candidates,
        together=_lifted(models, TOGETHER, names) if len(names) > 1 else None,
    )


def _lifted(models: Models, model: str, names: Sequence[str]) -> LiftedCandidate:
    resampled = models.resampled
    models.measure(model, names, Times.KNOWN)
    leak = None
    if models.differ_by_own_times(names):
        own = f"{model} by the merchant's own times"
        models.measure(own, names, Times.OWN)
        leak = Leak(resampled.difference(own, WITHOUT), resampled.difference(own, model))
    return LiftedCandidate(model, resampled.of(model), resampled.difference(model, WITHOUT), leak)
