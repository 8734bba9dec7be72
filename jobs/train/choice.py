"""What a training is told by its command."""

from dataclasses import dataclass
from typing import Final, Literal, get_args

from features_pkg.models.validation import USUAL_RULE, ThresholdRule

CalibrationChoice = Literal["auto", "isotonic", "sigmoid", "shift", "none"]
EstimatorName = Literal["boosting", "logistic", "forest"]

DEFAULT_SEED: Final = 20180601
CALIBRATIONS: Final[tuple[CalibrationChoice, ...]] = get_args(CalibrationChoice)
ESTIMATOR_NAMES: Final[tuple[EstimatorName, ...]] = get_args(EstimatorName)


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a model is made of a training set, by one command as by another.

    `folds` is how many earlier models validate it, and give the scores that it is calibrated by.
    """

    estimator: EstimatorName = "boosting"
    folds: int = 3
    calibration: CalibrationChoice = "auto"
    thresholds: ThresholdRule = USUAL_RULE

    @property
    def words(self) -> list[str]:
        """The options of a command that give this recipe."""
        chosen, usual = _options(self), _options(USUAL_RECIPE)
        return [word for pair in chosen.items() if pair not in usual.items() for word in pair]


def _options(recipe: Recipe) -> dict[str, str]:
    rule = recipe.thresholds
    values = {
        "--estimator": recipe.estimator,
        "--folds": str(recipe.folds),
        "--calibration": recipe.calibration,
        "--review-budget": _in_digits(rule.review_budget),
        "--missed-fraud-cost": _in_currency(rule.missed_fraud_cents),
        "--refused-order-cost": _in_currency(rule.refused_order_cents),
    }
    return {name: value for name, value in values.items() if value}


def _in_digits(budget: float | None) -> str:
    """The number as the option takes it: without an exponent."""
    return "" if budget is None else f"{budget:.9f}".rstrip("0").rstrip(".")


def _in_currency(cents: int | None) -> str:
    return "" if cents is None else f"{cents // 100}.{cents % 100:02}"


USUAL_RECIPE: Final = Recipe()


@dataclass(frozen=True, slots=True)
class TrainingChoice:
    """The revision of a training set, and how a model is made of it.

    `sample` is how many orders it is fitted on at most; None: all.
    """

    revision: int
    velocity: bool = True
    seed: int = DEFAULT_SEED
    sample: int | None = None
    recipe: Recipe = USUAL_RECIPE
