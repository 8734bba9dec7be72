"""The service inside the test's process, on real stores, so that a test can set its clocks."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from service.app import create_app
from service.clock import MachineClocks, RequestClock
from service.drain import Drain
from service.hot.keeper import HotLimits
from service.model_in_use import ModelInUse, StartRefused
from service.start import Limits, Process
from stores.policy import Policy
from stores.postgres.connection import Connection, connect
from stores.postgres.issued_keys import issue_key
from stores.postgres.merchants import Merchant, add_merchant
from stores.settings import Settings
from tests.e2e.running import TIMEOUT_SECONDS
from tests.model_keys import VERIFY_KEYS
from tests.servers import service_login

Result = TypeVar("Result")
_SESSIONS = (
    " FROM pg_stat_activity WHERE application_name = 'ontem serve' AND datname = current_database()"
)
CONNECTIONS = 4
"""How many sessions a service keeps ready for requests."""


def noon_of(year: int, month: int, day: int) -> int:
    """Noon in São Paulo, in epoch microseconds."""
    return int(datetime(year, month, day, 15, tzinfo=UTC).timestamp()) * 1_000_000


def true_clocks() -> MachineClocks:
    return MachineClocks(lambda: time.time_ns() // 1_000, lambda: time.monotonic_ns() // 1_000)


def standing_clocks(now_us: int) -> MachineClocks:
    """The clocks of a machine on which it is always this instant."""
    return MachineClocks(lambda: now_us, lambda: 0)


@dataclass
class Stores:
    """Where a service finds its stores, and the model that it serves."""

    postgres_url: str
    redis_url: str
    model_folder: Path
    secret: bytes
    environment: Any = "development"
    as_owner: bool = False
    """Whether the service enters PostgreSQL as the owner of the tables."""
    health_timeout: timedelta = timedelta(seconds=30)
    deadline: timedelta = timedelta(seconds=20)
    hot: HotLimits = field(default_factory=HotLimits)

    def process(self, clocks: MachineClocks | None = None) -> Process:
        """A process that could start, or not; StartRefused without a model."""
        settings = Settings(
            environment=self.environment,
            postgres_url=self.postgres_url,
            service_login="" if self.as_owner else service_login(self.postgres_url),
            redis_url=self.redis_url,
            storage_url="file:///nowhere",
            entity_secret=self.secret,
            card_key=self.secret,
            model_path=self.model_folder,
            model_verify_keys=VERIFY_KEYS.keys,
        )
        clocks = clocks or true_clocks()
        return Process(
            settings=settings,
            limits=Limits(
                deadline=self.deadline,
                statement_timeout=timedelta(seconds=4),
                health_timeout=self.health_timeout,
                hot=self.hot,
            ),
            model=ModelInUse(settings, clocks.wall_us),
            clock=RequestClock(clocks),
            drain=Drain(),
        )


@dataclass
class InProcess:
    """A service with one merchant, who blocks orders without a score."""

    client: FlaskClient
    merchant: Merchant
    key: str
    execute: Callable[[str], list[Any]] = field(repr=False)

    def evaluate(self, order_id: str, **fields: Any) -> TestResponse:
        order = {"order_id": order_id, "amount_cents": 1990, "document": "52998224725", **fields}
        headers = {"Authorization": f"Bearer {self.key}"}
        return self.client.post("/evaluate", json=order, headers=headers)

    @property
    def readiness(self) -> TestResponse:
        return self.client.get("/readyz")

    @property
    def states(self) -> dict[str, Any]:
        """The states of `/statusz`, and whether all is well as `ok`."""
        status = self.client.get("/statusz")
        assert status.status_code == 200
        return {"ok": status.json["ok"], **status.json["states"]}

    def stored(self, columns: str, order_id: str) -> list[Any]:
        """These columns of the evaluations of an order, if it is stored."""
        return self.execute(
            f"SELECT {columns} FROM orders o JOIN evaluations e USING (order_pk)"
            f" WHERE o.order_id = '{order_id}'"
        )


def sessions_of(execute: Callable[[str], list[Any]]) -> list[int]:
    """The sessions of the service by their process ids, once all are there."""
    sessions = until(
        lambda: execute(f"SELECT pid {_SESSIONS}"), lambda found: len(found) >= CONNECTIONS
    )
    return [pid for (pid,) in sessions]


def end_sessions(execute: Callable[[str], list[Any]]) -> None:
    """What a server that goes away does to the service; returns when they have ended.

    The service makes its sessions one after the other. One that was ended while it was made would
    be a failure to connect, of which requests are told for a moment.
    """
    sessions_of(execute)
    execute(f"SELECT pg_terminate_backend(pid, 30000) {_SESSIONS}")


@contextmanager
def a_service(
    stores: Stores, clocks: MachineClocks | None = None, database_url: str = ""
) -> Iterator[InProcess]:
    """The service in this process, whose database the test can change in a session of its own."""
    url = database_url or stores.postgres_url
    with connect(url, application_name="test", autocommit=True) as database:
        merchant = add_merchant(database, "loja", Policy(decision_without_score="block"))
        key = issue_key(database, merchant)
        dependencies = stores.process(clocks).dependencies()
        try:
            client = create_app(dependencies).test_client()
            yield InProcess(client, merchant, key.text, executing(database))
        finally:
            dependencies.close()


def executing(database: Connection) -> Callable[[str], list[Any]]:
    def execute(statement: str) -> list[Any]:
        cursor = database.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []

    return execute


def the_start(stores: Stores) -> str:
    """What a start of another process says when it is refused, nothing when it is not."""
    try:
        stores.process().check()
    except StartRefused as refused:
        return str(refused)
    return ""


def until(ask: Callable[[], Result], holds: Callable[[Result], bool]) -> Result:
    """The first answer for which that holds; the last one if there is none for a long time."""
    give_up = time.monotonic() + TIMEOUT_SECONDS
    while not holds(answer := ask()) and time.monotonic() < give_up:
        pass
    return answer
