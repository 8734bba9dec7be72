"""The service on a Redis cluster, while it is well and when it is lost."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from features_pkg.definitions.feature_set import FeatureSet
from tests.e2e.conftest import AS_OF, SECRET
from tests.e2e.in_process import Stores, a_service, noon_of, standing_clocks
from tests.e2e.published import OnlineStore
from tests.redis_cluster import a_cluster_of_one
from tests.redis_server import RedisServer


@pytest.fixture
def node(tmp_path: Path) -> Iterator[RedisServer]:
    with a_cluster_of_one(tmp_path / "node") as made:
        yield made


def test_orders_are_scored_and_a_lost_cluster_is_away(
    stores: Stores, features: FeatureSet, node: RedisServer
):
    stores.redis_url = f"{node.url}?cluster=yes"
    OnlineStore(stores.redis_url, features, SECRET).publish(AS_OF)
    with a_service(stores, standing_clocks(noon_of(2018, 6, 1))) as service:
        well, scored = service.states, service.evaluate("o-1")
        node.kill()
        lost, unscored = service.states, service.evaluate("o-2")

    assert well["ok"]
    assert (scored.status_code, scored.json["missing"]) == (200, [])
    assert (lost["redis"]["state"], lost["snapshot"]["state"]) == ("away", "away")
    assert (unscored.status_code, unscored.json["missing"]) == (200, ["distant"])
