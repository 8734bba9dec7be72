"""Derived features are what the reference makes of their operands, in every engine.

That the operands are right is what the other tests of this folder say.
"""

from __future__ import annotations

import math

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features_pkg import point_in_time, shuffle
from features_pkg.calendar import DAY_US
from features_pkg.definitions.missing import null_features
from features_pkg.definitions.order_features import NUMERIC_ORDER_FEATURES
from features_pkg.engines import reference
from features_pkg.engines.one_order import DistantPast, Evaluator
from features_pkg.history.past_orders import PastOrder
from features_pkg.identifiers import MERCHANT, Identifier
from jobs.training_set.rows import training_set_table, without_missing
from tests.parity import rows, worlds
from tests.parity.derived import DERIVED, FEATURES, NAMES, assert_derived, by_name
from tests.parity.mutants import Mistake, broken
from tests.parity.orders import numbered, order
from tests.parity.rows import CALENDAR, as_order, distant_past, order_rows, snapshot
from tests.parity.test_held_is_the_reference import in_parts
from tests.parity.test_shuffle_is_the_reference import training_rows, with_questions

EVALUATOR = Evaluator(FEATURES)
OPERANDS = (*(velocity.name for velocity in FEATURES.velocities), *NUMERIC_ORDER_FEATURES)


@given(history=worlds.orders())
@settings(max_examples=100, deadline=None)
def test_in_a_notebook(history: list[PastOrder]) -> None:
    orders = pa.Table.from_pylist(worlds.as_rows(history))

    whole = point_in_time(orders, (*NAMES, *OPERANDS))
    alone = point_in_time(orders, DERIVED)

    assert alone == whole.select(["order_id", *NAMES])
    for values, asker in zip(whole.to_pylist(), history, strict=True):
        assert values["amount_cents"] == asker.amount_cents
        assert values["different_products"] == len(asker.values(Identifier.PRODUCT))
        assert_derived(FEATURES, values)


@given(history=worlds.orders(), which=st.integers(0, 100), data=st.data())
@settings(max_examples=100, deadline=None)
def test_in_a_request(history: list[PastOrder], which: int, data: st.DataObject) -> None:
    """Of any snapshot, with the recent past in any parts, and any part of the past missing."""
    asker = history[which % len(history)]
    due_day = CALENDAR.due_day(asker.at_us, FEATURES.snapshot_lag)
    as_of = due_day - data.draw(st.integers(0, 2))
    from_us = min(asker.at_us - DAY_US, CALENDAR.cutoff_us(as_of))
    events = rows.recent(asker, history, from_us, asker.at_us)
    size = len(events)
    part_of = data.draw(st.lists(st.integers(0, 2), min_size=size, max_size=size))
    came, held = in_parts(events, part_of, from_us)
    distant = _lacking(data, distant_past(asker, snapshot(history, as_of, FEATURES), as_of))
    is_recent_read = data.draw(st.booleans())

    vector = EVALUATOR.vector(
        as_order(asker), asker.at_us, distant, came if is_recent_read else None, held
    )

    values = by_name(FEATURES, vector.values)
    assert_derived(FEATURES, values)
    for name in null_features(FEATURES, vector.missing):
        assert values[name] is None, name


def _lacking(data: st.DataObject, whole: DistantPast) -> DistantPast | None:
    """The distant past without some entities, or None for all of it."""
    lacking = data.draw(st.sets(st.sampled_from(("card", "product", MERCHANT, "all")), max_size=2))
    if "all" in lacking:
        return None
    left = {key: each for key, each in whole.timelines.items() if key[0] not in lacking}
    return DistantPast(whole.as_of, left)


@given(history=worlds.orders(), stale_days=st.lists(st.integers(0, 2), min_size=14, max_size=14))
@settings(max_examples=60, deadline=None)
def test_in_a_training_set(history: list[PastOrder], stale_days: list[int]) -> None:
    due_days = [CALENDAR.due_day(o.at_us, FEATURES.snapshot_lag) for o in history]
    askers = enumerate(zip(history, due_days, stale_days, strict=False))
    questions: list[dict[str, object]] = [
        {
            "asked_us": asker.at_us,
            "as_of": due_day - days,
            "visible": shuffle.live_visibility(len(history), key, len(history)),
        }
        for key, (asker, due_day, days) in askers
    ]

    done = training_rows(with_questions(order_rows(history), questions), features=FEATURES)

    assert len(done) == len(history)
    for values in done.values():
        assert_derived(FEATURES, values)  # type: ignore[arg-type]


def test_the_columns_of_a_training_set_are_floats_for_derived_features_alone() -> None:
    schema = shuffle.assembled_schema(FEATURES, pa.schema([]))

    assert schema.names == ["order_pk", *FEATURES.names]
    kinds = {name: schema.field(name).type for name in FEATURES.names}
    assert {name for name, kind in kinds.items() if kind == pa.float64()} == set(NAMES)
    assert set(kinds.values()) == {pa.float64(), pa.int64()}


def test_the_table_of_training_sets_says_how_each_was_computed() -> None:
    columns = training_set_table(FEATURES).columns

    for derived in DERIVED:
        assert columns.field(derived.name).metadata == {b"doc": f"{derived.formula}.".encode()}


@pytest.mark.parametrize(
    ("missing", "gone"),
    [
        ("distant", "amount_to_card_mean_amount_30d_distant"),
        ("recent", "zip_code_chargeback_share_24h_recent"),
        ("distant:card", "card_orders_24h_recent_minus_card_orders_1d_distant"),
        ("distant:merchant", "merchant_history_days_minus_different_products"),
    ],
)
def test_what_could_not_be_read_makes_null_of_what_is_derived_from_it(
    missing: str, gone: str
) -> None:
    nulls = null_features(FEATURES, [missing])

    assert gone in nulls
    assert "amount_cents_per_different_products" not in nulls
    for derived in DERIVED:
        assert (derived.name in nulls) == bool(nulls & set(derived.operand_names)), derived.name


def test_a_training_row_has_null_for_what_is_derived_from_a_part_that_was_missing() -> None:
    values = {name: [2.5 if name in NAMES else 2] * 2 for name in FEATURES.names}
    schema = shuffle.assembled_schema(FEATURES, pa.schema([("missing", pa.list_(pa.string()))]))
    table = pa.table({"order_pk": [1, 2], "missing": [["recent"], []], **values}, schema=schema)

    found = without_missing(table, FEATURES)

    mean = found["card_mean_amount_cents_orders_24h_recent"]
    assert mean.to_pylist() == [None, 2.5]
    assert mean.type == pa.float64()
    assert found["card_mean_amount_cents_orders_30d_distant"].to_pylist() == [2.5, 2.5]


FORMULAS = "features_pkg.engines.derivation:"
MISTAKES = {
    "a quotient is upside down": Mistake(
        FORMULAS + "_quotient", "first / divisor(second)", "second / divisor(first)"
    ),
    "a difference is the other way round": Mistake(
        FORMULAS + "_difference", "first - second", "second - first"
    ),
    "an amount is divided by the whole past, not by its mean": Mistake(
        FORMULAS + "_to_mean", "divisor(total / divisor(count))", "divisor(total)"
    ),
    "an amount is multiplied first, which rounds otherwise": Mistake(
        FORMULAS + "_to_mean",
        "first / divisor(total / divisor(count))",
        "first * count / divisor(total)",
    ),
    "a mean is rounded to whole cents": Mistake(
        FORMULAS + "_quotient", "first / divisor(second)", "first // divisor(second)"
    ),
}
"""Both engines make them: the formulas are written once."""
IN_A_REQUEST = {
    "nothing over nothing is 0": Mistake(FORMULAS + "_or_nan", "or math.nan", "or math.inf"),
    "a divisor of 0 is 1": Mistake(FORMULAS + "_or_nan", "or math.nan", "or 1.0"),
    "derived features are of the values before the recent past was read": Mistake(
        "features_pkg.engines.one_order:Evaluator.finish",
        "self._derived(values)",
        "self._derived([*begun.velocities, *begun.order_features])",
    ),
}
IN_COLUMNS = {
    "nothing over nothing is 0": Mistake(FORMULAS + "_or_nans", "np.nan", "np.inf"),
    "a divisor of 0 is 1": Mistake(FORMULAS + "_or_nans", "np.nan", "1.0"),
    "a null is 0": Mistake(
        "features_pkg.engines.arrays.columns:_floats", "column.cast(", "column.fill_null(0).cast("
    ),
    "a null stays NaN": Mistake(
        "features_pkg.engines.arrays.columns:_nullable", "np.isnan(values)", "None"
    ),
}
# The first asks. Its card ordered three times before, for 311 cents: 100 / (311 / 3) is rounded
# another way than 300 / 311.
SMALL = numbered(
    order("2018-06-10 15:00", user="u", product=("p", "q")),
    order("2018-06-10 14:30", product=("p",)),
    order("2018-06-08 12:00", product=("p", "q"), charged="2018-06-09 12:00"),
    order("2018-06-07 12:00", user="u"),
    order("2018-06-10 13:00", user="v"),
    order("2018-06-10 15:30", card="never seen"),
    order("2018-06-06 12:00", user="u"),
    order("2018-06-10 15:30", card=None),
)
WANTED = {
    name: [row[name] for row in point_in_time(pa.Table.from_pylist(worlds.as_rows(SMALL)), OPERANDS)
           .to_pylist()]
    for name in OPERANDS
}  # fmt: skip
EXPECTED = [
    [reference.derived_value(d, {n: WANTED[n][place] for n in OPERANDS}) for d in DERIVED]
    for place in range(len(SMALL))
]


def columns_are_right() -> bool:
    found = point_in_time(pa.Table.from_pylist(worlds.as_rows(SMALL)), NAMES).to_pylist()
    return [[row[name] for name in NAMES] for row in found] == EXPECTED


def requests_are_right() -> bool:
    return all(_request(place) == EXPECTED[place] for place in (0, 5, 7))


def _request(place: int) -> list[float | None]:
    asker = SMALL[place]
    as_of = CALENDAR.due_day(asker.at_us, FEATURES.snapshot_lag)
    start_us = min(asker.at_us - DAY_US, CALENDAR.cutoff_us(as_of))
    vector = EVALUATOR.vector(
        as_order(asker),
        asker.at_us,
        distant_past(asker, snapshot(SMALL, as_of, FEATURES), as_of),
        rows.recent(asker, SMALL, start_us, asker.at_us),
    )
    return [None if math.isnan(value) else value for value in vector.values[-len(NAMES) :]]


def test_without_a_mistake_both_engines_are_right() -> None:
    assert columns_are_right()
    assert requests_are_right()
    known = [value for value in EXPECTED[0] if value is not None]
    assert len(known) >= 15
    assert EXPECTED[5][0] is None  # nothing over nothing
    assert EXPECTED[7][0] is None  # the order has no card
    assert any(value != int(value) for value in known)


@pytest.mark.parametrize("mistake", [*MISTAKES.values(), *IN_COLUMNS.values()],
                         ids=[*MISTAKES, *IN_COLUMNS])  # fmt: skip
def test_a_mistake_in_columns_is_caught(mistake: Mistake) -> None:
    with broken(mistake):
        assert not columns_are_right()


@pytest.mark.parametrize("mistake", [*MISTAKES.values(), *IN_A_REQUEST.values()],
                         ids=[*MISTAKES, *IN_A_REQUEST])  # fmt: skip
def test_a_mistake_in_a_request_is_caught(mistake: Mistake) -> None:
    with broken(mistake):
        assert not requests_are_right()


def test_sums_above_the_floats_that_are_whole_are_rounded_alike() -> None:
    """Amounts are whole numbers; above 2**53 cents both engines take the nearest float."""
    amount_cents = 10**15 - 1
    history = [
        PastOrder("m1", str(n), SMALL[3 if n else 0].at_us - n, amount_cents, SMALL[0].identifiers)
        for n in range(12)
    ]
    assert float(11 * amount_cents) != 11 * amount_cents
    name = "card_mean_amount_cents_orders_30d_distant"
    asker, as_of = history[0], CALENDAR.due_day(history[0].at_us, FEATURES.snapshot_lag)
    past = distant_past(asker, snapshot(history, as_of, FEATURES), as_of)

    vector = EVALUATOR.vector(as_order(asker), asker.at_us, past, [])
    found = point_in_time(pa.Table.from_pylist(worlds.as_rows(history)), [name])

    assert by_name(FEATURES, vector.values)[name] == found[name][0].as_py() is not None
