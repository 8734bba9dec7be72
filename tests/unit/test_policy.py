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


def test_without_a_score_a_large_amount_gets_its_own_decision():
    policy = Policy(large_amount_cents=100_00, decision_large_amount="block")

    assert policy.decide(None, 99_99) == "review"
    assert policy.decide(None, 100_00) == "block"
    assert policy.decide(0.1, 100_00) == "allow"


@pytest.mark.parametrize(
    ("fields", "limit"),
    [
        ({"deadline_ms": 9}, "from 10 to 60000"),
        ({"deadline_ms": 60_001}, "from 10 to 60000"),
        ({"requests_per_second": 0}, "from 1 to 100000"),
        ({"requests_per_second": 100_001}, "from 1 to 100000"),
        ({"large_amount_cents": -1}, "from 0 to 999999999999999"),
        ({"large_amount_cents": 10**15}, "from 0 to 999999999999999"),
    ],
)
def test_numbers_out_of_bounds_are_refused(fields: dict[str, int], limit: str):
    ((name, value),) = fields.items()
    with pytest.raises(PolicyRefused, match=f"{name} {value} is not a policy: .*{limit}, or none"):
        Policy(**fields)
