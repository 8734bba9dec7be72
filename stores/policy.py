"""How a merchant turns a score into a decision."""

from dataclasses import dataclass
from typing import Final, Literal

from features_pkg.errors import OntemError

Decision = Literal["allow", "review", "block"]

DECISIONS: Final[tuple[Decision, ...]] = ("allow", "review", "block")


class PolicyRefused(OntemError):
    """Thresholds that are not in order."""

    def __init__(self, *, review_at: float, block_at: float) -> None:
        super().__init__(
            f"review_at {review_at} and block_at {block_at} are not a policy: "
            "choose 0 <= review_at <= block_at <= 1"
        )
        self.review_at, self.block_at = review_at, block_at


@dataclass(frozen=True, slots=True)
class Policy:
    """How a merchant turns a score (0 to 1) into a decision."""

    review_at: float = 0.5
    block_at: float = 0.9
    decision_without_score: Decision = "review"

    def __post_init__(self) -> None:
        """Refuse thresholds that are not in order, also NaN."""
        if not 0 <= self.review_at <= self.block_at <= 1:
            raise PolicyRefused(review_at=self.review_at, block_at=self.block_at)

    def decide(self, score: float | None) -> Decision:
        """The decision for a score, or for None, which is no score.

        A score of `block_at` or more is `block`, of `review_at` or more `review`, else `allow`.
        """
        if score is None:
            return self.decision_without_score
        if score >= self.block_at:
            return "block"
        return "review" if score >= self.review_at else "allow"
