"""What is behind the values of an evaluation, as that evaluation could see it."""

import math
import uuid
from typing import Any

import pytest

from features_pkg.definitions.derived import Derived
from features_pkg.definitions.missing import null_features
from features_pkg.definitions.velocity import Velocity
from features_pkg.engines import reference
from features_pkg.history.past_orders import PastOrder
from features_pkg.identifiers import Identifier
from stores.postgres.connection import connect
from tests.e2e.conftest import Shop
from tests.e2e.explained_rows import store_order
from tests.e2e.explained_world import World, a_world, evaluated
from tests.e2e.published import OnlineStore
from tests.e2e.shop_requests import an_order, get, the_problem
from tests.parity.rows import FEATURES


def explanation(shop: Shop, evaluation_id: str) -> Any:
    answer = get(shop, f"/evaluations/{evaluation_id}/explain")
    assert answer.status == 200, answer.content
    return answer.body


def by_name(explained: Any) -> dict[str, Any]:
    return {feature["name"]: feature for feature in explained["features"]}


def check_velocity(world: World, velocity: Velocity, feature: Any) -> None:
    """Fail unless the feature is what the oracle says of the velocity."""
    answers = world.answers(velocity)
    if not answers:
        assert (feature["value"], feature["null_because"]) == (None, "not_in_order")
        assert feature["behind"] is None
        return
    known = [value for value, _ in answers if value is not None]
    right = (min if velocity.measure.is_age else max)(known) if known else None
    assert feature["value"] == right, velocity.name
    assert feature["null_because"] == (None if known else "never")
    behind = feature["behind"]
    assert (behind["recount"], behind["recounted"], behind["more"]) == ("same", right, False)
    possible = [order_ids for value, order_ids in answers if value == right]
    assert behind["order_ids"] in possible, velocity.name


def check_derived(derived: Derived, features: dict[str, Any]) -> None:
    """Fail unless the feature is what its operands give, and names them."""
    feature = features[derived.name]
    operands = {name: features[name]["value"] for name in derived.operand_names}
    assert feature["value"] == reference.derived_value(derived, operands), derived.name
    assert feature["derived_from"] == {
        "formula": derived.formula,
        "operands": [{"name": name, "value": value} for name, value in operands.items()],
    }
    assert feature["behind"] is None
    reasons = {features[name]["null_because"] for name in operands} - {None}
    expected = reasons or {"divisor_is_zero"} if feature["value"] is None else {None}
    assert feature["null_because"] in expected


@pytest.mark.parametrize("seed", range(6))
def test_an_explanation_is_what_the_evaluation_could_see(
    shop: Shop, online: OnlineStore, seed: int
):
    world = a_world(shop, seed)
    with evaluated(world, online) as evaluation_id:
        explained = explanation(shop, evaluation_id)

    assert explained["evaluation"]["degraded"] is False
    features = by_name(explained)
    for velocity in FEATURES.velocities:
        check_velocity(world, velocity, features[velocity.name])
    for derived in FEATURES.derived:
        check_derived(derived, features)
    of_others = {name for name, feature in features.items() if feature["derived_from"] is not None}
    assert of_others == {derived.name for derived in FEATURES.derived}
    vector = shop.vector("asker")
    assert {name: feature["value"] for name, feature in features.items()} == {
        name: None if math.isnan(value) else value for name, value in vector.items()
    }


def test_the_contributions_add_up_to_the_score(shop: Shop):
    answered = shop.evaluate(an_order(document="529.982.247-25", zip_code="01310-100")).body

    explained = explanation(shop, answered["evaluation_id"])
    parts = explained["score_parts"]
    contributions = {each["name"]: each["contribution"] for each in explained["features"]}
    log_odds = parts["base"] + sum(contributions.values())
    assert explained["evaluation"] == answered
    assert explained["score_state"] == "explained"
    assert parts["log_odds"] == pytest.approx(log_odds)
    assert 1 / (1 + math.exp(-log_odds)) == pytest.approx(answered["score"])
    largest = sorted(contributions, key=lambda name: -abs(contributions[name]))[:10]
    assert [mover["name"] for mover in parts["moved_most"]] == largest


def test_of_very_many_orders_the_newest_are_told(shop: Shop):
    """The fewer that lie in a short window are counted again all the same."""
    now_us = 1_527_865_200_000_000  # noon of the e2e tests
    identifiers = {Identifier.ZIP_CODE: ("01310100",)}
    for number in range(1_200):
        at_us = now_us - number * 60_000_000 - 1
        order = PastOrder("m1", f"h{number}", at_us, 100, identifiers)
        store_order(shop.database, shop.merchant.merchant_id, order)
    answered = shop.evaluate(an_order(zip_code="01310-100")).body

    features = by_name(explanation(shop, answered["evaluation_id"]))
    hour, day = (features[f"zip_code_orders_{window}_recent"] for window in ("6h", "24h"))
    assert (hour["value"], hour["behind"]["recount"], hour["behind"]["more"]) == (360, "same", True)
    assert (day["value"], day["behind"]["recount"], day["behind"]["more"]) == (
        1_200, "too_many", True,
    )  # fmt: skip
    newest = [f"h{number}" for number in range(100)]
    assert hour["behind"]["order_ids"] == day["behind"]["order_ids"] == newest


def test_what_was_missing_is_null_and_nothing_is_behind_it(shop: Shop, online: OnlineStore):
    answered = shop.evaluate(an_order(document="529.982.247-25")).body
    assert answered["missing"] == ["distant"]

    explained = explanation(shop, answered["evaluation_id"])
    assert (explained["score_state"], explained["score_parts"]) == ("no_score", None)
    missing = null_features(FEATURES, ["distant"])
    features = by_name(explained)
    for name in missing:
        feature = features[name]
        assert (feature["value"], feature["null_because"]) == (None, "missing")
        assert feature["behind"] is None
    assert features["document_orders_6h_recent"]["value"] == 0
    assert features["document_orders_6h_recent"]["contribution"] is None
    assert features["document_orders_6h_recent"]["behind"]["recount"] == "same"


def test_a_history_that_was_changed_since_is_told(shop: Shop):
    """As after a row was erased: `different`, and what the stored rows give now."""
    shop.evaluate(an_order(order_id="gone", card="c1"), at="2018-06-01T14:30:00Z")
    shop.evaluate(an_order(order_id="stays", card="c1"), at="2018-06-01T14:40:00Z")
    answered = shop.evaluate(an_order(order_id="asker", card="c1")).body
    with shop.database.transaction():
        shop.database.execute("ALTER TABLE orders DISABLE TRIGGER immutable")
        shop.database.execute(
            "DELETE FROM orders WHERE merchant_id = %s AND order_id = 'gone'",
            (shop.merchant.merchant_id,),
        )
        shop.database.execute("ALTER TABLE orders ENABLE TRIGGER immutable")

    feature = by_name(explanation(shop, answered["evaluation_id"]))["card_orders_1h_recent"]
    assert feature["value"] == 2
    assert feature["behind"] == {
        "recount": "different", "recounted": 1, "order_ids": ["stays"], "more": False,
    }  # fmt: skip


def test_what_a_lost_load_held_is_not_read(shop: Shop):
    """The load of these tests has no row in PostgreSQL."""
    answered = shop.evaluate(an_order(card="c1")).body

    features = by_name(explanation(shop, answered["evaluation_id"]))
    assert features["card_orders_7d_distant"]["value"] == 0
    assert features["card_orders_7d_distant"]["behind"] == {
        "recount": "not_read", "recounted": None, "order_ids": None, "more": False,
    }  # fmt: skip
    assert features["card_orders_6h_recent"]["behind"]["recount"] == "same"


def test_what_postgresql_does_not_give_in_time_is_not_read(shop: Shop, service_database_url: str):
    """The orders of products are locked for longer than the events of one identifier may take."""
    items = [{"product": "p", "quantity": 1, "amount_cents": 1}]
    answered = shop.evaluate(an_order(card="c1", items=items)).body
    with connect(service_database_url, application_name="a lock") as locking:
        locking.execute("LOCK TABLE order_products IN ACCESS EXCLUSIVE MODE")
        features = by_name(explanation(shop, answered["evaluation_id"]))

    assert features["product_orders_6h_recent"]["value"] == 0
    assert features["product_orders_6h_recent"]["behind"]["recount"] == "not_read"
    assert features["card_orders_6h_recent"]["behind"]["recount"] == "same"


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ("model = 'an-older-one'", "model_not_loaded"),
        ("score = 0.123", "model_changed"),
        ("feature_set = '0123456789abcdef', model = 'an-older-one'", "model_not_loaded"),
    ],
)
def test_an_evaluation_of_another_model_says_so(shop: Shop, change: str, state: str):
    answered = shop.evaluate(an_order(card="c1")).body
    shop.database.execute(
        f"UPDATE evaluations SET {change} WHERE evaluation_id = %s".encode(),
        (answered["evaluation_id"],),
    )

    explained = explanation(shop, answered["evaluation_id"])
    assert (explained["score_state"], explained["score_parts"]) == (state, None)
    if "feature_set" in change:  # the stored numbers have no names here
        assert explained["features"] is None
        return
    features = by_name(explained)
    assert features["card_orders_6h_recent"]["value"] == 0
    assert {feature["contribution"] for feature in features.values()} == {None}


def test_another_merchants_data_changes_nothing(shop: Shop, other_shop: Shop, online: OnlineStore):
    told = []
    for each in (shop, other_shop):
        with evaluated(a_world(each, 1), online) as evaluation_id:
            told.append(explanation(each, evaluation_id))
        del told[-1]["evaluation"]["evaluation_id"]

    assert told[0] == told[1]


def test_another_merchants_evaluation_is_as_if_it_were_not_there(shop: Shop, other_shop: Shop):
    answered = shop.evaluate(an_order())
    same_id = "of-all-of-these"

    refused = [
        get(other_shop, f"/evaluations/{evaluation_id}/explain", X_Request_Id=same_id)
        for evaluation_id in (answered.body["evaluation_id"], uuid.uuid4(), "not-a-uuid")
    ]
    assert the_problem(refused[0], 404)["code"] == "evaluation_not_found"
    assert len({answer.content for answer in refused}) == 1
    the_problem(get(shop, f"/evaluations/{uuid.uuid4()}/explain", Authorization=None), 401)
