"""What an explanation says of a derived feature: its operands, and why it is null."""

import pytest

from features_pkg.definitions.derived import Derived, parse_feature
from service.explaining.derivations import derived_feature
from service.explaining.explanation import DerivedFrom, Feature, NullReason, Operand

AMOUNT_TO_MEAN = parse_feature("amount_to_card_mean_amount_30d_distant")
TOTAL, COUNT = "card_amount_cents_orders_30d_distant", "card_orders_30d_distant"
AGES = parse_feature("card_last_order_age_seconds_per_user_last_order_age_seconds")


def a_feature(name: str, value: int | NullReason) -> Feature:
    is_null = isinstance(value, str)
    return Feature(
        name=name,
        value=None if is_null else value,
        null_because=value if is_null else None,
        contribution=None,
        behind=None,
        derived_from=None,
    )


def test_a_derived_value_names_what_it_was_computed_from() -> None:
    assert isinstance(AMOUNT_TO_MEAN, Derived)
    values = {"amount_cents": 45_000, TOTAL: 30_000, COUNT: 3}
    explained = {name: a_feature(name, value) for name, value in values.items()}

    assert derived_feature(AMOUNT_TO_MEAN, explained, 4.5, 0.25) == Feature(
        name="amount_to_card_mean_amount_30d_distant",
        value=4.5,
        null_because=None,
        contribution=0.25,
        behind=None,
        derived_from=DerivedFrom(
            formula=f"amount_cents / ({TOTAL} / {COUNT})",
            operands=[Operand(name=name, value=value) for name, value in values.items()],
        ),
    )


@pytest.mark.parametrize(
    ("card", "user", "reason"),
    [
        (1, 0, "divisor_is_zero"),
        ("never", 1, "never"),
        ("never", "not_in_order", "not_in_order"),
        ("not_in_order", "never", "not_in_order"),
        ("missing", "not_in_order", "missing"),
        ("not_in_order", 0, "not_in_order"),
    ],
)
def test_it_is_null_for_the_reason_of_an_operand_or_because_of_the_divisor(
    card: int | NullReason, user: int | NullReason, reason: NullReason
) -> None:
    assert isinstance(AGES, Derived)
    pairs = zip(AGES.operand_names, (card, user), strict=True)
    explained = {name: a_feature(name, value) for name, value in pairs}

    found = derived_feature(AGES, explained, None, None)

    assert found.null_because == reason
    assert found.derived_from is not None
