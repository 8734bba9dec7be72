"""What differs between two sets of features, and what a switch from one to the other needs."""

from dataclasses import dataclass
from datetime import timedelta

import pyarrow as pa
import pytest

from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.definitions.velocity import parse_name
from features_pkg.errors import OntemError
from features_pkg.models.bundle import SIGNATURE
from features_pkg.models.manifest import ModelRefused
from features_pkg.models.shipped_models import NoCurrentModel
from ontem.feature_store.comparing.comparison import compare
from ontem.feature_store.comparing.errors import SideUnknown
from ontem.feature_store.comparing.lookup import Lookup
from ontem.feature_store.comparing.offline_sides import OfflineSides
from ontem.feature_store.comparing.side import side_of_code, side_of_model
from stores.errors import SettingsError
from stores.offline.models import StoredModels
from tests.model_keys import SIGNING_KEY
from tests.offline import a_store
from tests.unit.model_manifests import a_signed_manifest
from tests.unit.trained_models import FEATURES, committed

LAG = timedelta(hours=4)
WEEK = FeatureSet("America/Sao_Paulo", LAG, (parse_name("card_orders_7d_distant"),))
MONTH = FeatureSet("America/Sao_Paulo", LAG, (parse_name("card_orders_30d_distant"),))
WITH_TARGET = FeatureSet(
    "America/Sao_Paulo",
    LAG,
    (*WEEK.velocities, parse_name("card_distinct_zip_code_orders_7d_distant")),
)


@dataclass(frozen=True)
class Trust:
    model_verify_keys: tuple[bytes, ...] = (SIGNING_KEY.public,)


def not_set():
    raise SettingsError(variable="ONTEM_STORAGE_URL", value=None, remedy="set it")


@pytest.fixture
def places(tmp_path):
    """A folder of shipped models, and a store."""
    return tmp_path / "shipped", a_store(tmp_path / "store")


def lookup(places, *, trust=Trust(), with_store=True, configured=None):
    shipped, store = places
    open_models = (lambda: StoredModels(store.files)) if with_store else not_set
    open_tables = (lambda: store) if with_store else not_set
    return Lookup(WEEK, trust, shipped, configured, OfflineSides(open_models, open_tables))


def test_what_only_one_side_has_is_added_or_removed_in_the_order_of_its_side():
    comparison = compare(side_of_code(WEEK), side_of_code(MONTH))

    assert comparison.added == ("card_orders_30d_distant",)
    assert comparison.removed == ("card_orders_7d_distant",)
    assert comparison.same == WEEK.order_features


def test_another_window_needs_a_training_set_and_no_load():
    comparison = compare(side_of_code(WEEK), side_of_code(MONTH))

    assert (comparison.new_load, comparison.new_training_set) == (False, True)
    assert comparison.sentences[0] == f"no new load: both read timelines {WEEK.timelines_id}"
    assert comparison.sentences[1].startswith("a new training set and a new model: the code has")


def test_another_target_needs_a_load():
    comparison = compare(side_of_code(WEEK), side_of_code(WITH_TARGET))

    assert comparison.new_load
    assert comparison.sentences[0].startswith(f"a new load: timelines {WITH_TARGET.timelines_id}")


def test_the_same_features_need_neither():
    comparison = compare(side_of_code(WEEK), side_of_code(WEEK))

    assert (comparison.added, comparison.removed) == ((), ())
    assert (comparison.new_load, comparison.new_training_set) == (False, False)
    assert comparison.sentences == (
        f"no new load: both read timelines {WEEK.timelines_id}",
        f"no new training set: both have feature set {WEEK.version}",
    )


def test_a_switch_to_a_model_needs_no_training_set(places):
    model = side_of_model(a_signed_manifest(places[0] / "monthly", MONTH))

    comparison = compare(side_of_code(WEEK), model)

    assert not comparison.new_training_set
    assert comparison.sentences[1] == (
        f"no new training set: model monthly was trained on {model.training_set}"
    )


def test_other_settings_and_another_order_are_said():
    two = FeatureSet("UTC", LAG, (*MONTH.velocities, *WEEK.velocities))
    turned = FeatureSet("UTC", LAG, two.velocities[::-1])
    later = FeatureSet("America/Sao_Paulo", timedelta(hours=5), two.velocities)

    assert compare(side_of_code(two), side_of_code(turned)).sentences[2:] == (
        "the order of the features differs",
    )
    assert compare(side_of_code(two), side_of_code(later)).sentences[2:] == (
        "BUSINESS_TIMEZONE: UTC, then America/Sao_Paulo",
        "SNAPSHOT_LAG_SECONDS: 14400, then 18000",
    )


def test_the_code_is_found_by_its_word_and_by_its_version(places):
    found = lookup(places, with_store=False)

    assert found.side("code") == found.side(WEEK.version) == side_of_code(WEEK)


def test_models_are_found_by_name_where_they_ship_are_configured_or_stored(places, tmp_path):
    a_signed_manifest(places[0] / "ships", MONTH)
    a_signed_manifest(tmp_path / "store" / "models" / "stored", WITH_TARGET)
    a_signed_manifest(tmp_path / "configured", WEEK)

    found = lookup(places, configured=tmp_path / "configured")

    assert found.side("ships").features == MONTH.names
    assert found.side("stored").features == WITH_TARGET.names
    assert found.side("configured").features == WEEK.names


def test_the_current_model_is_found_and_without_one_it_is_a_sentence(places):
    shipped, _ = places
    a_signed_manifest(shipped / "ships", MONTH)
    with pytest.raises(NoCurrentModel, match="no model is current"):
        lookup(places).side("current")

    (shipped / "current").write_text("ships\n")

    assert lookup(places).side("current").name == "ships"


def test_a_version_is_that_of_the_newest_training_set_or_else_of_a_signed_manifest(places):
    shipped, store = places
    a_signed_manifest(shipped / "ships", FEATURES)
    assert lookup(places).side(FEATURES.version).title == "model ships"

    rows = pa.table({"order_id": ["o1"]})
    committed(store, rows)
    newest = committed(store, rows, files=2)

    side = lookup(places).side(FEATURES.version)
    assert side.title == f"training set {newest}"
    assert (side.features, side.timelines) == (FEATURES.names, FEATURES.timelines_id)
    assert compare(side_of_code(WEEK), side).sentences[1] == (
        f"no new training set: {newest} is there to train on"
    )


def test_an_unknown_name_names_those_that_there_are(places, tmp_path):
    a_signed_manifest(places[0] / "ships", MONTH)
    a_signed_manifest(tmp_path / "store" / "models" / "stored", MONTH)

    with pytest.raises(SideUnknown, match=r"'nope' is neither .* or one of ships, stored$"):
        lookup(places).side("nope")


def test_without_a_model_none_is_named():
    told = str(SideUnknown("nope", known=()))

    assert told.endswith("name `code`, or the name of a model")


@pytest.mark.parametrize("name", ["nope", "0123456789abcdef"])
def test_an_unknown_name_says_that_no_store_was_looked_at(places, name):
    with pytest.raises(SideUnknown, match="not looked at: ONTEM_STORAGE_URL is not set"):
        lookup(places, with_store=False).side(name)


def test_a_model_is_read_only_if_a_trusted_key_signed_it(places):
    a_signed_manifest(places[0] / "ships", MONTH)
    (places[0] / "ships" / SIGNATURE).write_bytes(b"\0" * 64)

    with pytest.raises(ModelRefused, match="no key of ONTEM_MODEL_VERIFY_KEYS"):
        lookup(places).side("ships")
    with pytest.raises(SideUnknown):
        lookup(places).side(MONTH.version)


def test_without_keys_no_model_is_read(places):
    a_signed_manifest(places[0] / "ships", MONTH)

    with pytest.raises(OntemError, match="ONTEM_MODEL_VERIFY_KEYS is not set"):
        lookup(places, trust=Trust(())).side("ships")
    assert lookup(places, trust=Trust(())).side("code")
