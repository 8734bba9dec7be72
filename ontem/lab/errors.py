"""Why a trial says nothing of a candidate."""

from collections.abc import Sequence

from features_pkg.errors import OntemError
from ontem.feature_store.words.nearest import nearest_names

LISTED_COLUMNS = 12


class LabError(OntemError):
    """Base of every refusal of the lab."""


class CandidatesRefused(LabError):
    """No candidate, too many of them, or one that is named twice."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class QuestionMissing(LabError):
    """A trial without a question."""

    def __init__(self) -> None:
        super().__init__(
            "the question is empty: say in a sentence what you want to know, such as 'do many "
            "documents share a device within an hour?'; the journal shows it"
        )


class LooksAhead(LabError):
    """A function that reads what nobody knew when the order came."""

    def __init__(self, *, candidate: str, column: str, reason: str) -> None:
        super().__init__(
            f"{candidate} reads {column}, {reason}: a feature is made of what was known when its "
            "order came"
        )
        self.candidate, self.column = candidate, column


class ColumnUnknown(LabError):
    """A function that reads a column which its orders do not have."""

    def __init__(self, *, candidate: str, column: str, known: Sequence[str]) -> None:
        if len(known) <= LISTED_COLUMNS:
            present = f"they have {', '.join(known)}"
        else:
            near = ", ".join(nearest_names(column, known))
            present = f"of their {len(known)} columns the nearest are {near}"
        super().__init__(f"{candidate} reads {column}, which these orders do not have; {present}")
        self.candidate, self.column, self.known = candidate, column, tuple(known)


class LooksAtOthers(LabError):
    """A function whose value for an order depends on which other orders it is given."""

    def __init__(self, *, candidate: str, order: str, alone: object, among: object) -> None:
        super().__init__(
            f"{candidate} gives order {order} {among} among all orders and {alone} among half of "
            "them: an order feature sees its own order alone, and what reads others may read "
            "later ones; name a velocity instead, such as 'card_orders_24h_recent'"
        )
        self.candidate, self.order = candidate, order


class ValuesRefused(LabError):
    """Values that can't be those of a feature."""

    def __init__(self, *, candidate: str, reason: str) -> None:
        super().__init__(f"{candidate} {reason}")
        self.candidate, self.reason = candidate, reason


class NoTrainingSet(LabError):
    """The feature set of these settings has no training set yet."""

    def __init__(self, *, feature_set: str) -> None:
        super().__init__(
            f"there is no training set of the feature set {feature_set}: run `ontem training-set "
            "--from DAY --to DAY` with these settings first, or give the trial a table of orders"
        )
        self.feature_set = feature_set


class OtherTrainingSet(LabError):
    """A training set that was built with other features than those of these settings."""

    def __init__(self, *, name: str, found: str, expected: str) -> None:
        super().__init__(
            f"{name} has the feature set {found}, the settings and this version give {expected}: "
            "build one with `ontem training-set`, or leave the training set out for the newest"
        )
        self.name, self.found, self.expected = name, found, expected


class OrdersNotExtracted(LabError):
    """The extracted events lack orders that a training set has."""

    def __init__(self, *, orders: int, missing: int) -> None:
        super().__init__(
            f"the table of events lacks {missing:,} of {orders:,} orders of the training set, as "
            "after it was lost: run `ontem extract --full`"
        )
        self.orders, self.missing = orders, missing


class TooFewOrders(LabError):
    """Orders of which a lift can't be told."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class BudgetRefused(LabError):
    """A review budget that is not a share of the orders."""

    def __init__(self, *, budget: object) -> None:
        super().__init__(
            f"the budget {budget!r} is not a share of the orders: write one between 0 and 1, such "
            "as 0.02 for 2 %"
        )
        self.budget = budget


class TwoSources(LabError):
    """A trial of a training set and of a table at once."""

    def __init__(self, *, training_set: object) -> None:
        super().__init__(
            f"a trial takes the orders of a training set ({training_set}) or those of a table, "
            "not both: leave one out"
        )
        self.training_set = training_set


class MostRefused(LabError):
    """A number of steps that is none."""

    def __init__(self, *, most: object) -> None:
        super().__init__(
            f"the journal lists at most {most!r} steps: write a whole number from 1, or leave it "
            "out for all"
        )
        self.most = most


class KeepRefused(LabError):
    """A candidate that can't become a feature."""

    def __init__(self, *, candidate: str, reason: str) -> None:
        super().__init__(f"{candidate} can't be kept: {reason}")
        self.candidate, self.reason = candidate, reason
