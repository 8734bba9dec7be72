"""One past, one load of it in Redis, and two services with feature sets of their own."""

import math
import struct
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient

from features_pkg.definitions.catalogue import CATALOGUE
from features_pkg.definitions.derived import parse_feature
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.definitions.velocity import parse_name
from features_pkg.identifiers import SINGLE_VALUED
from features_pkg.models.loading import load_model
from jobs.job import Job
from jobs.snapshot.nights import night
from jobs.training_set.run import training_set
from ontem import FeatureStore
from service.app import create_app
from service.evaluating import Evaluations
from service.online import OnlineStore
from service.past import PastReader
from service.served_model import ServedModel
from stores.offline.models import StoredModels
from stores.offline.tables import open_store
from stores.postgres.issued_keys import issue_key
from stores.postgres.merchants import find_merchant
from stores.postgres.served_models import record_served
from stores.redis.keys import Namespace
from stores.settings import Settings
from tests.e2e.a_model import NAME, write_a_model
from tests.e2e.in_process import Stores
from tests.integration.history import NOON, History
from tests.integration.training_shop import WEEK
from tests.model_keys import TRUST, VERIFY_KEYS

MERCHANT = "loja"
SUNDAY, MONDAY = date(2018, 5, 20), date(2018, 5, 21)
OLD_CARD = "tok_old"
"""A card that no order after Sunday has."""
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
FORTNIGHT = tuple(
    parse_name(each.name.replace("_7d_distant", "_14d_distant").replace("_1h_recent", "_2h_recent"))
    for each in CATALOGUE
    if not each.name.endswith("_10m_recent")
)
"""The velocities of another feature set, which are read off the same timelines."""
SHARES = (
    parse_feature("card_chargeback_share_30d_distant"),
    parse_feature("amount_to_card_mean_amount_30d_distant"),
)
"""What that set derives from them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOfFeatures(Job):
    """The job of another version of the package, whose catalogue is another one."""

    features: FeatureSet

    @property
    def feature_set(self) -> FeatureSet:
        return self.features


@dataclass
class ServedSet:
    """A service of a feature set, its training set's job, and the SDK's view of the same."""

    job: Job
    store: FeatureStore
    client: FlaskClient
    answered: dict[str, dict[str, float | None]] = field(default_factory=dict)
    """By order, the vector that the service stored."""
    read: dict[str, dict[str, float | None]] = field(default_factory=dict)
    """By order, what the SDK had read just before."""


@dataclass
class FeatureShop:
    """A merchant with a past until Sunday, a load of that, and two services that read it."""

    history: History
    job: Job
    key: str
    first: ServedSet
    second: ServedSet

    def sell(self, served: ServedSet, order: Mapping[str, Any], at: datetime) -> None:
        """Ask the SDK about an order, and then have the service evaluate it, at one instant."""
        with self.store(served, at) as store:
            names, order_id = store.names, order["order_id"]
            (row,) = store.online(order, MERCHANT).table.select(names).to_pylist()
        served.read[order_id] = row
        headers = {"Authorization": f"Bearer {self.key}", "Ontem-Clock": at.isoformat()}
        answer = served.client.post("/evaluate", json=order, headers=headers)
        assert answer.status_code == 200, answer.text
        with self.history.connect() as connection:
            ((content,),) = connection.execute(
                "SELECT vector FROM evaluations WHERE order_id = %s", (order_id,)
            ).fetchall()
        values = struct.unpack(f"<{len(names)}d", content)
        served.answered[order_id] = {
            name: None if math.isnan(value) else value
            for name, value in zip(names, values, strict=True)
        }

    def store(self, served: ServedSet, at: datetime) -> FeatureStore:
        """The feature store as of an instant of the development clock."""
        return store_of(served.job, served.job.feature_set, at)


def store_of(job: Job, features: FeatureSet, at: datetime) -> FeatureStore:
    """The feature store of a feature set as of an instant of the development clock."""
    definitions = (*features.velocities, *features.derived)
    return FeatureStore(job.settings, features=definitions, clock=at)


@contextmanager
def a_feature_shop(job: Job, folder: Path) -> Iterator[FeatureShop]:
    """A shop that sold through both services after the night of Sunday; with training sets."""
    history = History(job.settings.postgres_url)
    settings = replace(
        job.settings, model_verify_keys=VERIFY_KEYS.keys, model_path=folder / "first"
    )
    job = replace(job, settings=settings)
    a_fortnight_of_orders(history)
    night(job, SUNDAY)
    with history.connect() as connection:
        key = issue_key(connection, find_merchant(connection, MERCHANT)).text
    second = FeatureSet(settings.timezone, settings.snapshot_lag, FORTNIGHT, SHARES)
    with ExitStack() as stack:
        sets = [
            stack.enter_context(a_served_set(job, features, folder / name))
            for name, features in (("first", job.feature_set), ("second", second))
        ]
        shop = FeatureShop(history, job, key, *sets)
        for number in range(8):
            order = an_order(number) | {"order_id": f"live {number}"}
            shop.sell(sets[number % 2], order, NOON + number * MINUTE)
        night(job, MONDAY)
        for served in sets:
            training_set(served.job, WEEK)
        yield shop


@contextmanager
def a_served_set(job: Job, features: FeatureSet, folder: Path) -> Iterator[ServedSet]:
    """A service with a model of these features, which is in the offline store, too."""
    settings = job.settings
    write_a_model(folder, features)
    model = load_model(folder, features, VERIFY_KEYS)
    put_model(job, folder)
    stores = Stores(
        settings.postgres_url, settings.redis_url, settings.model_path or folder,
        settings.entity_secret,
    )  # fmt: skip
    served_model = ServedModel.of(
        features, model, entity_secret=settings.entity_secret, max_stale_days=2
    )
    online = OnlineStore(settings.redis_url, Namespace.of(served_model.keys))
    dependencies = replace(
        stores.process().dependencies(),
        online=online,
        served_model=served_model,
        evaluations=Evaluations(served_model, PastReader(served_model, online)),
    )
    values = {name: getattr(job, name) for name in ("settings", "spark", "say", "name")}
    of_features = JobOfFeatures(**values, features=features)
    with store_of(job, features, NOON) as store:
        try:
            yield ServedSet(of_features, store, create_app(dependencies).test_client())
        finally:
            dependencies.close()


def put_model(job: Job, folder: Path) -> None:
    """Store the model of a folder as training does, and have it served."""
    contents = {path.name: path.read_bytes() for path in folder.iterdir()}
    stored = StoredModels(open_store(job.settings).files)
    if stored.put(NAME, contents):
        model = load_model(folder, job.feature_set, VERIFY_KEYS)
        with job.connect() as connection:
            record_served(connection, model.manifest)


def a_fortnight_of_orders(history: History) -> None:
    """Imported orders before Sunday in which a few values meet again, some charged back."""
    for number in range(36):
        at = NOON - (1 + number % 16) * DAY - 37 * number * MINUTE
        values = {name: value for name, value in an_order(number).items() if name in SINGLE_VALUED}
        amount_cents = 100 + number
        order = history.order(at, **values, product=["tv"], amount_cents=amount_cents)
        if number % 5 == 0:
            history.chargeback(order, at + DAY)
    history.order(NOON - 10 * DAY, card=OLD_CARD)
    with history.connect() as connection:
        connection.execute(
            "INSERT INTO order_products SELECT merchant_id, unnest(product), event_at, order_pk"
            " FROM orders"
        )


def an_order(number: int) -> dict[str, Any]:
    """The body of an order, by its number: every few have a value in common."""
    cards, documents = number % 3, number % 4
    return {
        "order_id": f"order {number}",
        "amount_cents": 5_000 + number,
        "card": f"tok_{cards}",
        "user": f"user {number % 5}",
        "device": f"device {number % 2}",
        "email": f"someone{documents}@example.com",
        "document": ("52998224725", "39053344705", "11144477735", "86288366757")[documents],
        "items": [{"product": "tv", "quantity": 1, "amount_cents": 5_000 + number}],
    }


def variables_of(settings: Settings) -> dict[str, str]:
    """The environment of a process with these settings."""
    return {
        "ONTEM_ENVIRONMENT": settings.environment,
        "ONTEM_POSTGRES_URL": settings.postgres_url,
        "ONTEM_REDIS_URL": settings.redis_url,
        "ONTEM_STORAGE_URL": settings.storage_url,
        "ONTEM_ENTITY_KEY": settings.entity_secret.hex(),
        "ONTEM_MODEL": str(settings.model_path),
        **TRUST,
    }
