"""What a request asks PostgreSQL beside its order is within its deadline, too."""

import time
from collections.abc import Iterator
from datetime import date, timedelta
from urllib.parse import urlsplit

import pytest

from features_pkg.orders.order import Order
from service.clock import MachineClocks
from service.deadline import Deadline
from service.past import PastReader
from tests.e2e.fault_proxy import FaultProxy, a_fault_proxy
from tests.e2e.faulty_stores import through
from tests.e2e.in_process import Stores, a_service, noon_of, true_clocks
from tests.e2e.outage import MOST_SECONDS
from tests.e2e.published import OnlineStore
from tests.e2e.running import TIMEOUT_SECONDS

pytestmark = pytest.mark.faults
HOUR_US = 3_600 * 1_000_000


@pytest.fixture
def postgres(stores: Stores) -> Iterator[FaultProxy]:
    """The proxy before the PostgreSQL of the stores, whose requests have a second."""
    address = urlsplit(stores.postgres_url)
    with a_fault_proxy(address.hostname or "", address.port or 0) as proxy:
        stores.postgres_url = through(proxy, stores.postgres_url)
        stores.deadline = timedelta(seconds=1)
        yield proxy


def test_a_clock_that_jumps_while_postgresql_is_silent_costs_no_more_than_the_deadline(
    stores: Stores, postgres: FaultProxy, database_url: str
):
    error_us, true = 0, true_clocks()
    clocks = MachineClocks(lambda: true.wall_us() + error_us, true.monotonic_us)
    with a_service(stores, clocks, database_url) as service:
        assert service.evaluate("before").status_code == 200
        error_us = HOUR_US
        postgres.fault = "hole"
        started = time.monotonic()
        during = service.evaluate("during")
        seconds = time.monotonic() - started
        postgres.fault = "none"

    assert (during.status_code, seconds < MOST_SECONDS) == (503, True)


def test_a_key_that_postgresql_does_not_look_up_in_time_is_unavailable(
    stores: Stores, postgres: FaultProxy, database_url: str
):
    with a_service(stores, database_url=database_url) as service:
        service.execute("SELECT 1")
        postgres.fault = "hole"
        started = time.monotonic()
        unknown = service.evaluate("during")
        seconds = time.monotonic() - started
        postgres.fault = "none"

    assert (unknown.status_code, unknown.headers["Retry-After"]) == (503, "1")
    assert seconds < MOST_SECONDS


def test_redis_is_read_while_postgresql_can_not_be_connected_to(
    stores: Stores, postgres: FaultProxy, online: OnlineStore
):
    """Although it is asked after PostgreSQL, when that can be asked at once."""
    online.publish(date(2018, 6, 1))
    postgres.fault = "hole"
    process = stores.process()
    dependencies = process.dependencies()
    dependencies.online.start()
    dependencies.online.settle(time.monotonic() + TIMEOUT_SECONDS)
    reader = PastReader(process.model.served_model, dependencies.online)
    deadline = Deadline.within(timedelta(milliseconds=300))
    order, at_us = Order(order_id="1", amount_cents=1), noon_of(2018, 6, 1)
    with (
        dependencies.database.session() as session,
        reader.question(session, 1, order, at_us, deadline) as answers,
    ):
        past = answers.both()
    dependencies.close()

    assert past.recent is None
    assert past.distant is not None, past.failures
