"""Which orders a training set asks about, at which instant, and what they could see."""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features_pkg.array_types import Ints, Mask
from features_pkg.calendar import EPOCH_DAY, Calendar
from features_pkg.identifiers import Identifier
from features_pkg.shuffle import KEYED_ROWS, QUESTION_FIELDS
from features_pkg.shuffle.entities import entities_of
from jobs.training_set.labels import LabelRule, Reason

ORDER_COLUMNS = pa.schema(
    [
        ("order_id", pa.string()),
        ("merchant_id", pa.int64()),
        ("asked_at", pa.timestamp("us", "UTC")),
        ("asked_day", pa.date32()),
        ("snapshot_as_of", pa.date32()),
        ("live", pa.bool_()),
        ("stale_days", pa.int32()),
        ("missing", pa.list_(pa.string())),
        ("label", pa.int8()),
        ("label_reason", pa.string()),
        ("label_known_at", pa.timestamp("us", "UTC")),
        ("card_code", pa.int64()),
    ]
)
"""The columns of a training set besides `order_pk` and the features; `missing` is used up."""

_REASONS = tuple(Reason)
_NEW_COLUMNS = [field for field in ORDER_COLUMNS if field.name not in KEYED_ROWS.names]
QUESTION_ROWS = pa.schema([*KEYED_ROWS, *QUESTION_FIELDS, *_NEW_COLUMNS])
"""An order with its question, if it has one, and the columns of its row of the training set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingQuestions:
    """The questions of a training set: those in `[from_us, to_us)`, and how they are asked."""

    from_us: int
    to_us: int
    timezone: str
    lag: timedelta
    rule: LabelRule
    include_stale: bool


def questions_of(batch: pa.Table, questions: TrainingQuestions) -> pa.Table:
    """The rows (`QUESTION_ROWS`) of a batch of orders, as `read_questions` reads them.

    The question of a live order is at its `evaluated_at`, with what its evaluation could see; that
    of an imported order at its `event_at`, with the snapshot of the lag rule. An order outside the
    period has no question, nor has a stale one unless `include_stale`: it is an event all the same.
    """
    calendar = Calendar(questions.timezone)
    at_us = pc.coalesce(batch["evaluated_us"], batch["event_us"]).to_numpy()
    has_question = (at_us >= questions.from_us) & (at_us < questions.to_us)
    if not questions.include_stale:
        has_question &= batch["stale_days"].to_numpy() == 0
    # The day of the snapshot: the one that the evaluation read, else the one of the lag rule.
    as_of = pc.coalesce(
        pc.cast(batch["load_as_of"], pa.int64()), pa.array(calendar.due_days(at_us, questions.lag))
    )
    columns = {name: batch[name] for name in KEYED_ROWS.names}
    columns |= {
        "asked_us": pa.array(at_us, mask=~has_question),
        "as_of": as_of,
        "visible": batch["visible"],
        "asked_at": pa.array(at_us, pa.timestamp("us", "UTC")),
        "asked_day": _dates(calendar.days_of(at_us)),
        "snapshot_as_of": _dates(as_of.to_numpy()),
        "live": batch["evaluated_us"].is_valid(),
        "stale_days": batch["stale_days"],
        "missing": batch["missing"],
        "card_code": _card_codes(batch),
    }
    columns |= _labels(batch, has_question, questions.rule)
    return pa.table({name: columns[name] for name in QUESTION_ROWS.names})


def number_of_stale(batch: pa.Table, questions: TrainingQuestions) -> int:
    """How many orders of a batch, in the period, were evaluated with an older snapshot than due."""
    at_us = pc.coalesce(batch["evaluated_us"], batch["event_us"]).to_numpy()
    in_period = (at_us >= questions.from_us) & (at_us < questions.to_us)
    return int((in_period & (batch["stale_days"].to_numpy() > 0)).sum())


def _dates(days: Ints) -> pa.Array:
    """Ordinals of days as Arrow's dates, which count from 1970."""
    return pa.array((days - EPOCH_DAY).astype(np.int32)).cast(pa.date32())


def _labels(batch: pa.Table, has_question: Mask, rule: LabelRule) -> dict[str, pa.Array]:
    """The label columns; all null for an order without a question.

    By far the most orders have neither a chargeback nor a reversal: those are labelled at once.
    """
    event_us = batch["event_us"].to_numpy()
    lists = [batch[name].combine_chunks() for name in ("chargeback_us", "reversal_us")]
    has_changes = np.logical_or(*(each.is_valid().to_numpy(zero_copy_only=False) for each in lists))
    known_us = event_us + rule.maturity_us
    is_old = known_us <= rule.instant_us
    values, is_known = np.zeros(batch.num_rows, np.int8), is_old & has_question
    reasons = np.where(is_old, _REASONS.index(Reason.HONEST), _REASONS.index(Reason.TOO_YOUNG))
    for row in np.flatnonzero(has_changes & has_question):
        chargebacks, reversals = (each[int(row)].as_py() or () for each in lists)
        label = rule.label(int(event_us[row]), chargebacks, reversals)
        is_known[row], reasons[row] = label.value is not None, _REASONS.index(label.reason)
        values[row], known_us[row] = label.value or 0, label.known_us or 0
    reason_numbers = pa.array(reasons, pa.int32(), mask=~has_question)
    return {
        "label": pa.array(values, mask=~is_known),
        "label_reason": pa.array([str(reason) for reason in _REASONS]).take(reason_numbers),
        "label_known_at": pa.array(known_us, pa.timestamp("us", "UTC"), mask=~is_known),
    }


def _card_codes(batch: pa.Table) -> pa.Array:
    """A code of each order's card, the shuffle's own: it tells cards apart without naming them."""
    cards = entities_of(batch, Identifier.CARD)
    codes, has_card = np.zeros(batch.num_rows, np.int64), np.zeros(batch.num_rows, np.bool_)
    codes[cards.row], has_card[cards.row] = cards.words[:, 0], True
    return pa.array(codes, mask=~has_card)
