"""Which orders a training set asks about, at which instant, and what they could see."""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features_pkg.array_types import Ints, Mask
from features_pkg.calendar import EPOCH_DAY, Calendar
from features_pkg.entity_keys import EntityKeys
from features_pkg.identifiers import Identifier
from features_pkg.shuffle import ORDER_ROWS, QUESTION_FIELDS
from jobs.training_set.labels import LabelRule

PASSED = pa.schema(
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
"""What goes with an order into its row of the training set, beside its features."""

_OWN = [field for field in PASSED if field.name not in ORDER_ROWS.names]
QUESTIONS = pa.schema([*ORDER_ROWS, *QUESTION_FIELDS, *_OWN])


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """The period `[from_us, to_us)` of questions, and how they are asked."""

    from_us: int
    to_us: int
    timezone: str
    lag: timedelta
    rule: LabelRule
    include_stale: bool
    secret: bytes
    timelines: str


def ask(batch: pa.Table, asking: Asking) -> pa.Table:
    """The rows (`QUESTIONS`) of a batch of `questions.sql.j2` with chargebacks and reversals.

    A live order is asked at its `evaluated_at`, with what it saw; an imported one at its
    `event_at`, by the rule. One outside the period, or stale, asks nothing: it is an event still.
    """
    live = batch["evaluated_us"].is_valid()
    calendar = Calendar(asking.timezone)
    at_us = pc.coalesce(batch["evaluated_us"], batch["event_us"]).to_numpy()
    asks = (at_us >= asking.from_us) & (at_us < asking.to_us)
    if not asking.include_stale:
        asks &= batch["stale_days"].to_numpy() == 0
    as_of = pc.coalesce(
        pc.cast(batch["load_as_of"], pa.int64()), pa.array(calendar.as_ofs(at_us, asking.lag))
    )
    columns = {name: batch[name] for name in ORDER_ROWS.names}
    columns |= {
        "asked_us": pa.array(at_us, mask=~asks),
        "as_of": as_of,
        "visible": batch["visible"],
        "asked_at": pa.array(at_us, pa.timestamp("us", "UTC")),
        "asked_day": _dates(calendar.days_of(at_us)),
        "snapshot_as_of": _dates(as_of.to_numpy()),
        "live": live,
        "stale_days": batch["stale_days"],
        "missing": batch["missing"],
        "card_code": _card_codes(batch, asking),
    }
    columns |= _labels(batch, asks, asking.rule)
    return pa.table({name: columns[name] for name in QUESTIONS.names})


def _dates(days: Ints) -> pa.Array:
    return pa.array((days - EPOCH_DAY).astype(np.int32)).cast(pa.date32())


def _labels(batch: pa.Table, asks: Mask, rule: LabelRule) -> dict[str, pa.Array]:
    columns = (batch[name].to_pylist() for name in ("event_us", "chargeback_us", "reversal_us"))
    labels = [
        rule.label(event_us, chargebacks or (), reversals or ()) if asked else None
        for asked, event_us, chargebacks, reversals in zip(asks, *columns, strict=True)
    ]
    return {
        "label": pa.array([each and each.value for each in labels], pa.int8()),
        "label_reason": pa.array([each and str(each.reason) for each in labels], pa.string()),
        "label_known_at": pa.array([each and each.known_us for each in labels], pa.int64()).cast(
            pa.timestamp("us", "UTC")
        ),
    }


def _card_codes(batch: pa.Table, asking: Asking) -> pa.Array:
    """A code of each order's card, as the shuffle knows it: cards can be told apart, not read."""
    keys = EntityKeys(asking.secret, asking.timelines)
    pairs = zip(batch["merchant_id"].to_pylist(), batch["card"].to_pylist(), strict=True)
    codes = [
        None
        if card is None
        else int.from_bytes(keys.key(merchant, Identifier.CARD, card)[:8], "little", signed=True)
        for merchant, card in pairs
    ]
    return pa.array(codes, pa.int64())
