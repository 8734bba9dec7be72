"""What a training is told by its command."""

from dataclasses import dataclass
from typing import Final, Literal, get_args

EstimatorName = Literal["boosting", "logistic", "forest"]

DEFAULT_SEED: Final = 20180601
ESTIMATOR_NAMES: Final[tuple[EstimatorName, ...]] = get_args(EstimatorName)


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a model is made of a training set, by one command as by another."""

    estimator: EstimatorName = "boosting"

    @property
    def words(self) -> list[str]:
        """The options of a command that give this recipe."""
        return ["--estimator", self.estimator] if self.estimator != USUAL_RECIPE.estimator else []


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
