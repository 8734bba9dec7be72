"""The stack, the instants and the orders of the story that docs/how-it-works.md tells."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from features_pkg.calendar import Calendar
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.entity_keys import EntityKeys
from features_pkg.history.recent_events import RecentEvent
from features_pkg.identifiers import Identifier
from jobs.job import Job
from service import start
from service.app import Dependencies, create_app
from service.clock import RequestClock
from service.drain import Drain
from service.model_in_use import ModelInUse
from service.server import machine_clocks
from stores.policy import Policy
from stores.postgres.clock import set_clock
from stores.postgres.connection import Connection, connect
from stores.postgres.issued_keys import issue_key
from stores.postgres.merchants import Merchant, add_merchant
from stores.settings import Settings
from tests.e2e.a_model import write_a_model
from tests.model_keys import VERIFY_KEYS

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from pyspark.sql import SparkSession

CPF = "52998224725"
FEATURE = "document_distinct_zip_code_orders_30d_distant"
SHOWN = (
    "document_orders_24h_recent",
    "document_orders_since_cutoff_recent",
    "document_orders_30d_distant",
    "document_distinct_zip_code_orders_24h_recent",
    FEATURE,
    "document_amount_cents_orders_30d_distant",
    "document_first_order_age_seconds",
    "document_last_order_age_seconds",
    "zip_code_orders_30d_distant",
    "card_orders_30d_distant",
    "merchant_history_days",
)
"""The features of the stored vector that the page shows."""

COMPARED = (
    "document_orders_24h_recent",
    "document_orders_since_cutoff_recent",
    "document_orders_30d_distant",
    FEATURE,
    "document_first_order_age_seconds",
    "zip_code_orders_30d_distant",
)
"""Those that it shows again where something is compared or fails."""

PATIENT = start.Limits(deadline=timedelta(seconds=30), statement_timeout=timedelta(seconds=30))
"""A busy machine is no fault of a store."""

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
AS_OF = date(2018, 6, 1)
NIGHT = datetime(2018, 6, 1, 5, tzinfo=UTC)
ASKED = datetime(2018, 6, 1, 15, tzinfo=UTC)
LATER = datetime(2018, 8, 15, 15, tzinfo=UTC)

FILE = """\
order_id,event_at,amount_cents,document,zip_code
A-1,2018-05-29T12:00:00-03:00,12990,529.982.247-25,01310-100
A-2,2018-05-30T12:00:00-03:00,4500,529.982.247-25,04538-132
"""
LATE_FILE = """\
order_id,event_at,amount_cents,document,zip_code
A-6,2018-05-31T09:00:00-03:00,7000,529.982.247-25,13015-904
"""
CHARGEBACKS = "order_id,chargeback_at\nA-4,2018-06-20T10:00:00-03:00\n"
THIRD = {
    "order_id": "A-3",
    "amount_cents": 25900,
    "document": "529.982.247-25",
    "zip_code": "01310100",
}
FOURTH = {
    "order_id": "A-4",
    "amount_cents": 89900,
    "document": "529.982.247-25",
    "zip_code": "22041-001",
}


@dataclass(slots=True)
class World:
    """One merchant on real servers; the entity key is fixed, so that every hash is, too."""

    postgres_url: str
    redis_url: str
    storage_url: str
    spark: "SparkSession"
    folder: Path
    merchant: Merchant = field(init=False)
    api_key: str = field(init=False)
    recent_events: tuple[RecentEvent, ...] = ()
    """What the recent read of the fourth order brought."""
    services: list[Dependencies] = field(default_factory=list)
    timelines: dict[tuple[str, str], bytes] = field(default_factory=dict)
    """What the night wrote: timelines by identifier and entity key (hexadecimal)."""

    def __post_init__(self) -> None:
        write_a_model(self.model, self.features)
        with self.connect() as connection:
            self.merchant = add_merchant(connection, "loja", Policy())
            self.api_key = issue_key(connection, self.merchant).text

    @property
    def model(self) -> Path:
        return self.folder / "model"

    @property
    def settings(self) -> Settings:
        return Settings(
            environment="development",
            postgres_url=self.postgres_url,
            redis_url=self.redis_url,
            storage_url=self.storage_url,
            entity_secret=bytes(range(32)),
            card_key=bytes(range(32)),
            model_path=self.model,
            model_verify_keys=VERIFY_KEYS.keys,
        )

    @property
    def features(self) -> FeatureSet:
        return FeatureSet("America/Sao_Paulo", timedelta(hours=4))

    @property
    def calendar(self) -> Calendar:
        return Calendar(self.features.timezone)

    @property
    def keys(self) -> EntityKeys:
        return EntityKeys(bytes(range(32)), self.features.timelines_id)

    @property
    def document_bytes(self) -> bytes:
        """The CPF's timeline."""
        (content,) = (t for (name, _), t in self.timelines.items() if name == Identifier.DOCUMENT)
        return content

    def connect(self, clock: datetime | None = None, *, autocommit: bool = True) -> Connection:
        connection = connect(self.postgres_url, application_name="story", autocommit=autocommit)
        if clock is not None:
            set_clock(connection, clock)
        return connection

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with self.connect() as connection:
            return connection.execute(query.encode(), values).fetchall()

    def job(self, clock: datetime) -> Job:
        return Job(
            settings=self.settings,
            spark=lambda _: nullcontext(self.spark),
            say=lambda _: None,
            clock=clock,
        )

    def a_file(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def service(self, limits: start.Limits | None = None, **changes: Any) -> "FlaskClient":
        """The service in this process; `changes` are to its settings."""
        settings, clocks = replace(self.settings, **changes), machine_clocks()
        process = start.Process(
            settings=settings,
            limits=limits or PATIENT,
            model=ModelInUse(settings, clocks.wall_us),
            clock=RequestClock(clocks),
            drain=Drain(),
        )
        dependencies = process.dependencies()
        self.services.append(dependencies)
        return create_app(dependencies).test_client()

    def close(self) -> None:
        """Close what the services opened."""
        for service in self.services:
            service.close()

    def evaluate(
        self, service: "FlaskClient", order: dict[str, Any], at: datetime = ASKED
    ) -> tuple[int, dict[str, Any]]:
        """What POST /evaluate answers at an instant: the status and the body."""
        headers = {"Authorization": f"Bearer {self.api_key}", "Ontem-Clock": at.isoformat()}
        response = service.post("/evaluate", json=order, headers=headers)
        return response.status_code, response.get_json(force=True)

    @contextmanager
    def order_in_flight(self) -> Iterator[None]:
        """Meanwhile another process has stored order A-5 and has not committed yet."""
        with self.connect(ASKED, autocommit=False) as connection:
            connection.execute(
                "INSERT INTO orders (merchant_id, order_id, evaluated_at, content_hash,"
                " amount_cents, document, zip_code)"
                " VALUES (%s, 'A-5', %s, sha256('A-5'), 3000, %s, '30130010')",
                (self.merchant.merchant_id, ASKED - timedelta(seconds=2), CPF),
            )
            yield
            connection.commit()
