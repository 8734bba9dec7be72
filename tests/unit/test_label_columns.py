"""The label columns of a batch are what the rule says of each of its orders."""

import random
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pytest

from features_pkg.shuffle import KEYED_ROWS
from jobs.training_set.labels import LabelRule, Reason
from jobs.training_set.questions import TrainingQuestions, questions_of

RULE = LabelRule(instant_us=1_000, maturity_us=100)
PERIOD = (0, 2_000)
LISTS = pa.list_(pa.int64())


def labels_of(orders: list[tuple[int, Any, Any]]) -> list[tuple[Any, Any, Any]]:
    """Label, instant and reason of each order, given its event, chargebacks and reversals."""
    rows = len(orders)
    columns = {field.name: pa.nulls(rows, field.type) for field in KEYED_ROWS}
    events, chargebacks, reversals = zip(*orders, strict=True)
    columns |= {
        "order_pk": pa.array(range(rows), pa.int64()),
        "event_us": pa.array(events, pa.int64()),
        "chargeback_us": pa.array(chargebacks, LISTS),
        "reversal_us": pa.array(reversals, LISTS),
        "evaluated_us": pa.nulls(rows, pa.int64()),
        "load_as_of": pa.nulls(rows, pa.int32()),
        "stale_days": pa.array([0] * rows, pa.int32()),
        "missing": pa.nulls(rows, pa.list_(pa.string())),
        "visible": pa.nulls(rows, LISTS),
    }
    questions = TrainingQuestions(
        from_us=PERIOD[0],
        to_us=PERIOD[1],
        timezone="UTC",
        lag=timedelta(hours=4),
        rule=RULE,
        include_stale=False,
    )
    table = questions_of(pa.table(columns), questions)
    known_us = table["label_known_at"].cast(pa.int64()).to_pylist()
    labels, reasons = (table[name].to_pylist() for name in ("label", "label_reason"))
    return list(zip(labels, known_us, reasons, strict=True))


@pytest.mark.parametrize("seed", range(3))
def test_a_batch_is_labelled_as_each_order_alone(seed: int) -> None:
    choose = random.Random(seed)  # noqa: S311  no secret

    def instants() -> list[int] | None:
        if choose.random() < 0.5:
            return None
        return sorted(choose.choices(range(0, 1_100, 50), k=choose.randrange(4)))

    orders = [(choose.randrange(0, 1_000, 25), instants(), instants()) for _ in range(400)]
    expected = []
    for event, chargebacks, reversals in orders:
        label = RULE.label(event, chargebacks or (), reversals or ())
        expected.append((label.value, label.known_us, str(label.reason)))

    assert labels_of(orders) == expected
    assert {reason for _, _, reason in expected} == {str(reason) for reason in Reason}


def test_an_order_without_a_question_has_no_label() -> None:
    outside = PERIOD[1]

    assert labels_of([(outside, None, None), (outside, [outside], None)]) == [(None,) * 3] * 2
