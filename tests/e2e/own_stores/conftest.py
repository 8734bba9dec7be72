"""A service inside the test's process, on stores of the test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from features_pkg.definitions.feature_set import FeatureSet
from tests.e2e.conftest import SECRET
from tests.e2e.in_process import InProcess, Stores, a_service
from tests.e2e.published import OnlineStore


@pytest.fixture
def stores(database_url: str, redis_url: str, model_folder: Path) -> Stores:
    """A migrated database and an empty Redis of this test's own."""
    return Stores(database_url, redis_url, model_folder, SECRET)


@pytest.fixture
def service(stores: Stores) -> Iterator[InProcess]:
    with a_service(stores) as running:
        yield running


@pytest.fixture
def online(redis_url: str, features: FeatureSet) -> OnlineStore:
    return OnlineStore(redis_url, features, SECRET)
