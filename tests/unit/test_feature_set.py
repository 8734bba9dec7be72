"""What the ids of a feature set depend on, and what timelines keep."""

from datetime import timedelta

import pytest

from features_pkg.definitions.catalogue import CATALOGUE, derived_of, served
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.errors import DefinitionError
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
        "card_orders_30d_delay_7d_distant",
        "card_amount_cents_orders_ever_delay_30d_distant",
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


def test_the_shipped_delays_need_no_load() -> None:
    features = FeatureSet("America/Sao_Paulo", timedelta(hours=4))
    velocities = tuple(v for v in features.velocities if not (v.window and v.window.delay_days))
    without = FeatureSet(features.timezone, features.snapshot_lag, velocities)

    assert len(features.velocities) - len(without.velocities) == 13
    assert features.timelines_id == without.timelines_id
    assert features.timeline_targets == without.timeline_targets
    assert features.version != without.version


MEAN = "card_mean_amount_cents_orders_7d_distant"
PER_DAY = "card_orders_7d_distant_per_merchant_history_days"


def derived_set(*derived: str, velocities: tuple[str, ...] = ()) -> FeatureSet:
    features = a_set("card_amount_cents_orders_7d_distant", *velocities)
    return FeatureSet(
        features.timezone, features.snapshot_lag, features.velocities, derived_of(derived)
    )


def test_derived_features_come_last_and_count_in_the_version_alone() -> None:
    plain, features = derived_set(), derived_set(MEAN, PER_DAY)

    assert features.names == (*plain.names, MEAN, PER_DAY)
    assert len({derived_set(*each).version for each in ((), (MEAN,), (MEAN, PER_DAY))}) == 3
    assert derived_set(PER_DAY, MEAN).version != features.version
    assert features.timelines_id == plain.timelines_id
    assert features.targets == plain.targets


def test_without_derived_features_the_version_is_that_of_the_other_names() -> None:
    assert a_set().derived == ()
    assert a_set().version == "a42275eb0dd182aa"


@pytest.mark.parametrize(
    ("name", "lacking"),
    [
        (MEAN.replace("7d", "30d"), "reads card_amount_cents_orders_30d_distant, which"),
        ("card_chargeback_share_7d_distant", "reads card_chargebacks_7d_distant, which"),
        ("card_orders_7d_distant_per_card_orders_1h_recent", "reads card_orders_1h_recent, which"),
    ],
)
def test_a_derived_feature_whose_part_is_not_in_the_set_is_refused(name: str, lacking: str) -> None:
    with pytest.raises(DefinitionError, match=f"{name}: {lacking} the feature set does not have"):
        derived_set(name)


def test_a_derived_feature_that_appears_twice_is_refused() -> None:
    with pytest.raises(DefinitionError, match=f"{MEAN}: appears twice"):
        derived_set(MEAN, MEAN)


def test_a_velocity_is_not_taken_for_a_derived_feature() -> None:
    with pytest.raises(DefinitionError, match="card_orders_7d_distant: is not a derived feature"):
        derived_of(("card_orders_7d_distant",))


def test_a_divisor_that_is_not_served_is_refused() -> None:
    with pytest.raises(DefinitionError, match="card_orders_30d_recent: a recent window"):
        derived_set("card_orders_7d_distant_per_card_orders_30d_recent",
                    velocities=("card_orders_30d_recent",))  # fmt: skip


def test_the_shipped_set_has_the_derived_features_of_the_catalogue_unless_told_otherwise() -> None:
    lag = timedelta(hours=4)

    assert FeatureSet("UTC", lag).derived == FeatureSet("UTC", lag, CATALOGUE).derived
    assert FeatureSet("UTC", lag, CATALOGUE, derived=()).derived == ()
    assert FeatureSet("UTC", lag, CATALOGUE[1:]).derived == ()
