"""Names of derived features: each parses back, and what can't mean anything is refused."""

from __future__ import annotations

from typing import Any

import pytest

from features_pkg import Derived, parse_feature, parse_name
from features_pkg.definitions.derived import DerivedKind, feature_name
from features_pkg.definitions.order_features import NUMERIC_ORDER_FEATURES, ORDER_FEATURES
from features_pkg.definitions.velocity import Measure, Velocity
from features_pkg.errors import DefinitionError
from features_pkg.identifiers import Event
from tests.parity.test_arrays_are_the_reference import DEFINITIONS

FORMULAS = {
    "card_mean_amount_cents_orders_30d_distant": "card_amount_cents_orders_30d_distant"
    " / card_orders_30d_distant",
    "zip_code_mean_amount_cents_chargebacks_ever_distant": "zip_code_amount_cents_chargebacks_"
    "ever_distant / zip_code_chargebacks_ever_distant",
    "device_mean_amount_cents_orders_since_cutoff_recent": "device_amount_cents_orders_"
    "since_cutoff_recent / device_orders_since_cutoff_recent",
    "device_chargeback_share_30d_distant": "device_chargebacks_30d_distant"
    " / device_orders_30d_distant",
    "amount_to_card_mean_amount_30d_distant": "amount_cents / (card_amount_cents_orders_30d_distant"
    " / card_orders_30d_distant)",
    "card_orders_1h_recent_per_card_orders_30d_distant": "card_orders_1h_recent"
    " / card_orders_30d_distant",
    "card_orders_24h_recent_minus_card_orders_1d_distant": "card_orders_24h_recent"
    " - card_orders_1d_distant",
    "amount_cents_per_different_products": "amount_cents / different_products",
    "user_distinct_ip_orders_24h_recent_per_user_first_order_age_seconds": "user_distinct_ip_"
    "orders_24h_recent / user_first_order_age_seconds",
}


@pytest.mark.parametrize(("name", "formula"), FORMULAS.items())
def test_a_name_says_what_is_computed_and_comes_back(name: str, formula: str) -> None:
    derived = parse_feature(name)

    assert isinstance(derived, Derived)
    assert (derived.name, derived.formula) == (name, formula)
    assert parse_feature(derived.name) == derived


def every_short_one() -> list[Derived]:
    found = [
        Derived(DerivedKind.MEAN, (amount, _of(amount, measure=Measure.COUNT)))
        for amount in DEFINITIONS[Measure.AMOUNT]
    ]
    found += [
        Derived(DerivedKind.AMOUNT_TO_MEAN, ("amount_cents", *mean.operands))
        for mean in found
        if mean.velocities[0].event is Event.ORDER
    ]
    found += [
        Derived(DerivedKind.CHARGEBACK_SHARE, (count, _of(count, event=Event.ORDER)))
        for count in DEFINITIONS[Measure.COUNT]
        if count.event is Event.CHARGEBACK
    ]
    return found


def _of(velocity: Velocity, **fields: Any) -> Velocity:
    values = {name: getattr(velocity, name) for name in Velocity.__slots__}
    return Velocity(**{**values, **fields})


def test_every_name_comes_back() -> None:
    operands = [*(v for group in DEFINITIONS.values() for v in group), *NUMERIC_ORDER_FEATURES]
    pairs = zip(operands, [*operands[7:], *operands[:7]], strict=True)
    derived = [Derived(kind, pair) for pair in pairs
               for kind in (DerivedKind.QUOTIENT, DerivedKind.DIFFERENCE)]  # fmt: skip
    derived += every_short_one()

    assert len(derived) > 1000
    assert len({each.name for each in derived}) == len(derived)
    for each in derived:
        assert parse_feature(each.name) == each


@pytest.mark.parametrize("name", ["card_orders_7d_distant", "card_first_order_age_seconds"])
def test_the_name_of_a_velocity_is_one(name: str) -> None:
    assert parse_feature(name) == parse_name(name)


@pytest.mark.parametrize("name", ORDER_FEATURES)
def test_an_order_feature_is_its_name(name: str) -> None:
    assert parse_feature(name) == name == feature_name(name)


REFUSED = {
    "a part that is none": ("crad_orders_7d_distant_per_card_orders_30d_distant",
                            "its part 'crad_orders_7d_distant': no definition has this name"),
    "a divisor that is none": ("card_orders_7d_distant_per_card_order_30d_distant",
                               "its part 'card_order_30d_distant': no definition has this name"),
    "nothing on one side": ("card_orders_7d_distant_minus_", "its part ''"),
    "a window that is none": ("card_mean_amount_cents_orders_91d_distant",
                              "its part 'card_amount_cents_orders_91d_distant': 'distant' takes"),
    "a share that cannot be": ("card_chargeback_share_since_cutoff_distant",
                               "its part 'card_chargebacks_since_cutoff_distant'"),
    "an amount to a mean without a window": ("amount_to_card_mean_amount_30d",
                                             "its part 'card_amount_cents_orders_30d'"),
    "the mean's long name": (
        "card_amount_cents_orders_30d_distant_per_card_orders_30d_distant",
        "has a shorter name: write 'card_mean_amount_cents_orders_30d_distant'"),
    "the share's long name": (
        "device_chargebacks_ever_distant_per_device_orders_ever_distant",
        "has a shorter name: write 'device_chargeback_share_ever_distant'"),
    "itself": ("card_orders_7d_distant_per_card_orders_7d_distant", "is always 1 or null"),
    "itself in another unit": ("card_orders_24h_recent_per_card_orders_1d_recent",
                               "is always 1 or null"),
    "minus itself": ("card_orders_7d_distant_minus_card_orders_7d_distant", "is always 0"),
    "a code": ("local_hour_per_amount_cents", "'local_hour' is neither a velocity nor a number"),
    "a derived part": (
        "card_orders_7d_distant_per_card_mean_amount_cents_orders_30d_distant",
        "is derived itself: name .* card_amount_cents_orders_30d_distant and card_orders_30d"),
    "two quotients": ("card_orders_7d_distant_per_card_orders_1d_distant_per_amount_cents",
                      "this names more"),
    "a quotient of a difference": (
        "amount_cents_minus_card_orders_1d_distant_per_different_products", "this names more"),
    "the amount to a mean of chargebacks": ("amount_to_card_mean_amount_chargebacks_30d_distant",
                                            "no definition has this name"),
    "a mean of nothing known": ("card_mean_orders_30d_distant", "no definition has this name"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "sentence"), REFUSED.values(), ids=REFUSED)
def test_a_name_without_a_meaning_is_refused(name: str, sentence: str) -> None:
    with pytest.raises(DefinitionError, match=sentence) as refused:
        parse_feature(name)

    assert name in str(refused.value)


AMOUNT = parse_name("card_amount_cents_orders_30d_distant")
COUNT = parse_name("card_orders_30d_distant")


@pytest.mark.parametrize(
    ("kind", "operands", "sentence"),
    [
        (DerivedKind.MEAN, (), "mean of nothing: takes an amount, and the count"),
        (DerivedKind.MEAN, (COUNT, AMOUNT), "takes an amount, and the count"),
        (DerivedKind.MEAN, (AMOUNT, parse_name("card_orders_7d_distant")), "takes an amount"),
        (DerivedKind.CHARGEBACK_SHARE, (COUNT, COUNT), "takes chargebacks, and orders"),
        (DerivedKind.AMOUNT_TO_MEAN, (AMOUNT, COUNT), "takes 'amount_cents', an amount of orders"),
        (DerivedKind.QUOTIENT, (AMOUNT,), "takes two features"),
        (DerivedKind.DIFFERENCE, (AMOUNT, COUNT, COUNT), "takes two features"),
        (DerivedKind.DIFFERENCE, (AMOUNT, "card_order"), "its part 'card_order': no definition"),
        (DerivedKind.DIFFERENCE, (AMOUNT, 7), "minus of 7: is made of velocities"),
        ("sum", (AMOUNT, COUNT), "kind 'sum': is not one of mean, chargeback_share"),
    ],
)
def test_operands_that_a_kind_does_not_have_are_refused(
    kind: DerivedKind, operands: tuple[Any, ...], sentence: str
) -> None:
    with pytest.raises(DefinitionError, match=sentence):
        Derived(kind, operands)


def test_words_and_names_are_taken_for_kinds_and_operands() -> None:
    words: Any = "minus", ("card_orders_30d_distant", "amount_cents")

    assert Derived(*words) == Derived(DerivedKind.DIFFERENCE, (COUNT, "amount_cents"))


@pytest.mark.parametrize("name", [5, None, b"amount_cents"])
def test_a_name_is_a_text(name: Any) -> None:
    with pytest.raises(DefinitionError, match="is not a name"):
        parse_feature(name)
