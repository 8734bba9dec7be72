"""What a training is told by its command."""

from dataclasses import dataclass
from typing import Final

DEFAULT_SEED: Final = 20180601


@dataclass(frozen=True, slots=True)
class TrainingChoice:
    """The revision of a training set, and how a model is made of it.

    `sample` is how many orders it is fitted on at most; None: all.
    """

    revision: int
    velocity: bool = True
    seed: int = DEFAULT_SEED
    sample: int | None = None
