"""The figures that a page shows: all of them counts, shares and sums over many orders."""

from dataclasses import dataclass
from datetime import date

from features_pkg.models.validation import ThresholdRule


@dataclass(frozen=True, slots=True)
class Cut:
    """What scores from some number up catch: shares of honest and charged back orders."""

    honest: float
    charged_back: float
    precision: float


@dataclass(frozen=True, slots=True)
class ScoreBin:
    """Orders of like scores: what the scores say on average, and how many were charged back."""

    orders: int
    charged_back: int
    mean_score: float


@dataclass(frozen=True, slots=True)
class ModelCurves:
    """How well a model ranks the hold-out, and whether its scores are shares."""

    cuts: tuple[Cut, ...]
    calibration: tuple[ScoreBin, ...]


@dataclass(frozen=True, slots=True)
class OutcomeBins:
    """The orders of each outcome in bins between `bounds`; the outer bins are open.

    `shown` has whether honest and charged back orders are many enough to be shown; counts of an
    outcome that is not shown are 0. `nulls` are the orders without a value, of each outcome, None
    where they are too few to be shown.
    """

    bounds: tuple[float, ...]
    honest: tuple[int, ...]
    charged_back: tuple[int, ...]
    shown: tuple[bool, bool] = (True, True)
    nulls: tuple[int | None, int | None] = (0, 0)

    @property
    def has_nulls(self) -> bool:
        """Whether orders without a value are to be shown."""
        return any(self.nulls)


@dataclass(frozen=True, slots=True)
class FeatureBins:
    """A feature, how far it moves scores on average (in log odds), and its values by outcome."""

    name: str
    moves: float
    bins: OutcomeBins


@dataclass(frozen=True, slots=True)
class Recall:
    """What part of a period's charged back orders reach the review threshold, by model."""

    first_day: date
    last_day: date
    charged_back: int
    own: float
    current: float | None


@dataclass(frozen=True, slots=True)
class Cost:
    """What a threshold costs, in cents: charged back orders below it, and others from it up."""

    threshold: float
    missed: int
    flagged: int

    @property
    def total(self) -> int:
        """Both together."""
        return self.missed + self.flagged


@dataclass(frozen=True, slots=True)
class Costs:
    """Costs by threshold, in ascending order, at the chosen one, and where every order passes.

    Without a `rule` orders are reviewed from the threshold up, for a cost that is assumed; with one
    they are blocked, and the costs are those by which the threshold was chosen.
    """

    rule: ThresholdRule | None
    without_model: int
    by_threshold: tuple[Cost, ...]
    chosen: Cost

    @property
    def cheapest(self) -> Cost:
        """The least of all."""
        return min((*self.by_threshold, self.chosen), key=lambda cost: cost.total)


@dataclass(frozen=True, slots=True)
class DaySpan:
    """The orders of some days in a row, and how many of them have a label."""

    first_day: date
    last_day: date
    orders: int
    labelled: int


@dataclass(frozen=True, slots=True)
class Extent:
    """The days of a training set, and what is missing in them.

    `gaps` are the first and last days of all stretches without an order. The orders too young for a
    label, and those charged back too late for one, are among those of the spans.
    """

    first_day: date
    last_day: date
    orders: int
    spans: tuple[DaySpan, ...]
    gaps: tuple[tuple[date, date], ...]
    too_young: int
    charged_back_late: int

    @property
    def days(self) -> int:
        """How many days there are."""
        return (self.last_day - self.first_day).days + 1

    @property
    def empty_days(self) -> int:
        """How many days have no order."""
        return sum((last - first).days + 1 for first, last in self.gaps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """All figures of a page; what can't be said is None or empty.

    `own` and `current` need orders of both outcomes, and `current` a model to compare with.
    `explained` is how many orders of the hold-out were explained to find the most telling features.
    """

    own: ModelCurves | None = None
    current: ModelCurves | None = None
    scores: OutcomeBins | None = None
    recalls: tuple[Recall, ...] = ()
    costs: Costs | None = None
    features: tuple[FeatureBins, ...] = ()
    explained: int = 0
    extent: Extent | None = None


NO_FIGURES = Figures()
