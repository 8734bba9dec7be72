"""What the ids of a feature set depend on, and what timelines keep."""

from datetime import timedelta

import pytest

from features_pkg.definitions.catalogue import served
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.identifiers import Event, Identifier

BASE = ("card_orders_7d_distant", "card_distinct_user_orders_30d_distant")


def a_set(*names: str) -> FeatureSet:
    return FeatureSet("America/Sao_Paulo", timedelta(hours=4), served((*BASE, *names)))


@pytest.mark.parametrize(
    "name",
    [
        "card_distinct_zip_code_orders_24h_recent",
        "user_orders_1h_recent",
        "card_chargebacks_24h_recent",
        "user_distinct_device_orders_1h_recent",
        "card_orders_90d_distant",
        "card_distinct_user_orders_7d_distant",
        "card_first_order_age_seconds",
    ],
)
def test_a_feature_that_timelines_hold_already_or_never_needs_no_load(name: str) -> None:
    assert a_set(name).timelines_id == a_set().timelines_id
    assert a_set(name).version != a_set().version


@pytest.mark.parametrize(
    "name",
    [
        "card_distinct_zip_code_orders_30d_distant",
        "user_orders_30d_distant",
        "user_first_order_age_seconds",
        "card_chargebacks_30d_distant",
    ],
)
def test_a_feature_that_timelines_do_not_hold_needs_another_load(name: str) -> None:
    assert a_set(name).timelines_id != a_set().timelines_id


def test_timelines_keep_no_target_for_a_recent_feature_and_training_does() -> None:
    features = a_set("card_distinct_zip_code_orders_24h_recent")
    key = (Identifier.CARD, Event.ORDER)

    assert features.timeline_targets[key] == (Identifier.USER,)
    assert features.targets[key] == (Identifier.USER, Identifier.ZIP_CODE)


def test_the_shipped_features_keep_no_phones_of_a_zip_code() -> None:
    features = FeatureSet("America/Sao_Paulo", timedelta(hours=4))

    key = (Identifier.ZIP_CODE, Event.CHARGEBACK)
    assert Identifier.PHONE in features.targets[key]
    assert Identifier.PHONE not in features.timeline_targets[key]
