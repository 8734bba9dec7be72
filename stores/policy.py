"""How a merchant turns a score into a decision, and what it wants when something fails."""

from dataclasses import dataclass
from typing import Final, Literal

from features_pkg.errors import OntemError
from features_pkg.orders.limits import MOST_CENTS

Decision = Literal["allow", "review", "block"]
WhenNotStored = Literal["refuse", "answer"]

DECISIONS: Final[tuple[Decision, ...]] = ("allow", "review", "block")
WHEN_NOT_STORED: Final[tuple[WhenNotStored, ...]] = ("refuse", "answer")
SHORTEST_DEADLINE_MS: Final = 10
LONGEST_DEADLINE_MS: Final = 60_000
MOST_REQUESTS_PER_SECOND: Final = 100_000


class PolicyRefused(OntemError):
    """Values that are not a policy."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How a merchant turns a score (0 to 1) into a decision."""

    review_at: float = 0.5
    block_at: float = 0.9
    decision_without_score: Decision = "review"
    large_amount_cents: int | None = None
    """From this amount on an order without a score gets `decision_large_amount`; None is never."""
    decision_large_amount: Decision = "review"
    when_not_stored: WhenNotStored = "refuse"
    """Whether an order that can't be stored is refused, or answered as not recorded."""
    deadline_ms: int | None = None
    """How long the merchant waits for an answer, if that is less than the service's own limit."""
    requests_per_second: int | None = None
    """How much the merchant may ask of all processes together; None is without a limit."""

    def __post_init__(self) -> None:
        """Refuse thresholds that are not in order, also NaN, and numbers out of bounds."""
        if not 0 <= self.review_at <= self.block_at <= 1:
            raise PolicyRefused(
                f"review_at {self.review_at} and block_at {self.block_at} are not a policy: "
                "choose 0 <= review_at <= block_at <= 1"
            )
        _check(self.large_amount_cents, "large_amount_cents", 0, MOST_CENTS)
        _check(self.deadline_ms, "deadline_ms", SHORTEST_DEADLINE_MS, LONGEST_DEADLINE_MS)
        _check(self.requests_per_second, "requests_per_second", 1, MOST_REQUESTS_PER_SECOND)

    def decide(self, score: float | None, amount_cents: int) -> Decision:
        """The decision for an order with a score, or with None, which is no score.

        A score of `block_at` or more is `block`, of `review_at` or more `review`, else `allow`.
        """
        if score is None:
            limit = self.large_amount_cents
            is_large = limit is not None and amount_cents >= limit
            return self.decision_large_amount if is_large else self.decision_without_score
        if score >= self.block_at:
            return "block"
        return "review" if score >= self.review_at else "allow"


def _check(value: int | None, name: str, least: int, most: int) -> None:
    if value is not None and not least <= value <= most:
        raise PolicyRefused(
            f"{name} {value} is not a policy: choose a whole number from {least} to {most}, or none"
        )


USUAL_POLICY: Final = Policy(requests_per_second=100)
"""That of a merchant of whom nothing else is said: 100 orders a second are 8.6 million a day."""
