"""How a merchant decides."""

import math

import pytest

from stores.policy import Policy, PolicyRefused


@pytest.mark.parametrize(
    ("score", "decision"),
    [(0.0, "allow"), (0.4999, "allow"), (0.5, "review"), (0.8999, "review"), (0.9, "block")],
)
def test_a_score_at_a_threshold_counts_as_above_it(score: float, decision: str):
    assert Policy(review_at=0.5, block_at=0.9).decide(score, 1) == decision


def test_without_a_score_the_merchant_s_choice_is_taken():
    assert Policy(decision_without_score="allow").decide(None, 1) == "allow"
    assert Policy(decision_without_score="block").decide(None, 1) == "block"


@pytest.mark.parametrize(
    ("review_at", "block_at"), [(0.9, 0.5), (-0.1, 0.5), (0.5, 1.1), (math.nan, 0.5)]
)
def test_thresholds_out_of_order_are_refused(review_at: float, block_at: float):
    with pytest.raises(PolicyRefused) as refusal:
        Policy(review_at=review_at, block_at=block_at)

    assert str(block_at) in str(refusal.value)
