"""The service on the stores of a training shop, with merchants of its own."""

import math
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient

from jobs.job import Job
from service.app import create_app
from stores.policy import Policy
from stores.postgres.connection import Connection, connect
from stores.postgres.issued_keys import issue_key
from stores.postgres.merchants import Merchant, add_merchant, find_merchant
from tests.e2e.a_model import write_a_model
from tests.e2e.in_process import Stores
from tests.e2e.published import OnlineStore
from tests.integration.training_shop import TrainingShop


@dataclass
class Till:
    """A merchant's way to the service: each request says what time it is."""

    client: FlaskClient
    key: str

    def post(self, path: str, body: Any, at: datetime) -> Any:
        headers = {"Authorization": f"Bearer {self.key}", "Ontem-Clock": at.isoformat()}
        answer = self.client.post(path, json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json


@dataclass
class ServingShop:
    """A service with merchants of its own."""

    client: FlaskClient
    database: Connection
    names: Sequence[str]
    """Those of the features."""

    def till(self, name: str) -> Till:
        """That of a new merchant."""
        return self._till_of(add_merchant(self.database, name, Policy()))

    def till_of(self, name: str) -> Till:
        """That of a merchant who is there."""
        return self._till_of(find_merchant(self.database, name))

    def _till_of(self, merchant: Merchant) -> Till:
        return Till(self.client, issue_key(self.database, merchant).text)

    def vector(self, order_id: str) -> dict[str, float | None]:
        """What an order was answered, by feature name."""
        ((content,),) = self.database.execute(
            "SELECT vector FROM evaluations WHERE order_id = %s", (order_id,)
        ).fetchall()
        values = struct.unpack(f"<{len(self.names)}d", content)
        return {
            name: None if math.isnan(value) else value
            for name, value in zip(self.names, values, strict=True)
        }


@contextmanager
def a_serving_shop(shop: TrainingShop, as_of: date, folder: Path) -> Iterator[ServingShop]:
    """The service of a training shop, whose load of that day is published in Redis, empty."""
    settings, features = shop.job.settings, shop.job.feature_set
    OnlineStore(settings.redis_url, features, settings.entity_secret).publish(as_of)
    with a_service(shop.job, folder) as serving:
        yield serving


@contextmanager
def a_service(job: Job, folder: Path) -> Iterator[ServingShop]:
    """The service on a job's stores, with what is published there."""
    settings, features = job.settings, job.feature_set
    write_a_model(folder, features)
    stores = Stores(settings.postgres_url, settings.redis_url, folder, settings.entity_secret)
    dependencies = stores.process().dependencies()
    with connect(settings.postgres_url, application_name="test", autocommit=True) as database:
        try:
            client = create_app(dependencies).test_client()
            yield ServingShop(client, database, features.names)
        finally:
            dependencies.close()
