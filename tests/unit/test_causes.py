"""The words that failures are counted by are few, whatever a store says."""

import hypothesis.strategies as st
import pytest
from hypothesis import given

from service.metrics.causes import PARTS, REASONS, part_and_reason


@pytest.mark.parametrize(
    ("failure", "labels"),
    [
        ("distant: timeout", ("distant", "timeout")),
        ("distant: LOADING", ("distant", "LOADING")),
        ("distant: no connection: TimeoutError", ("distant", "no connection")),
        ("distant: breaker open", ("distant", "breaker open")),
        ("recent: DeadlineMet", ("recent", "DeadlineMet")),
        ("store: ReadOnlySqlTransaction", ("store", "ReadOnlySqlTransaction")),
        ("model: score is not finite", ("model", "not finite")),
        ("distant: QUITENEW", ("distant", "other")),
        ("elsewhere: timeout", ("other", "timeout")),
    ],
)
def test_a_failure_is_counted_by_its_part_and_its_word(failure, labels):
    assert part_and_reason(failure) == labels


@given(st.text())
def test_no_text_makes_another_label(failure):
    part, reason = part_and_reason(failure)

    assert part in PARTS
    assert reason in REASONS
