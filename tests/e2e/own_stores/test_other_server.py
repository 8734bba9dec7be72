"""A service whose PostgreSQL is restored, fails over, is read-only, or has another clock."""

from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from werkzeug.test import TestResponse

from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.orders.order import Order
from service.clock import MachineClocks
from service.database import Database
from service.deadline import Deadline
from service.evaluating import EvaluationRequest, Evaluations
from service.past import PastReader
from stores.postgres.connection import PostgresUnavailable, connect
from stores.postgres.merchants import add_merchant
from stores.postgres.migrate import migrate
from tests.e2e.conftest import SECRET
from tests.e2e.in_process import (
    InProcess,
    Stores,
    a_service,
    end_sessions,
    executing,
    sessions_of,
    true_clocks,
    until,
)
from tests.failover import promote, restart_as_standby
from tests.servers import own_stack

RESTORED = "UPDATE generations SET system_identifier = system_identifier + 1"
FAILED_OVER = "UPDATE generations SET timeline_id = timeline_id - 1"
SECOND = 1_000_000
HOUR = 3_600 * SECOND


def is_answered(answer: TestResponse) -> bool:
    return answer.status_code == 200


def test_on_a_restored_server_the_policy_answers_and_nothing_is_stored(
    service: InProcess, stores: Stores
):
    service.execute("UPDATE merchants SET when_not_stored = 'answer'")
    before = service.evaluate("before")
    service.execute(RESTORED)
    end_sessions(service.execute)
    during, again = service.evaluate("during"), service.evaluate("before")

    assert during.status_code == 200
    assert during.json["recorded"] is False
    assert (during.json["decision"], during.json["score"]) == ("block", None)
    assert (during.json["degraded"], during.json["missing"]) == (True, ["distant", "recent"])
    assert service.execute("SELECT count(*) FROM orders WHERE order_id = 'during'") == [(0,)]
    assert again.data == before.data
    assert service.states["postgresql"] == {
        "state": "restored on another server",
        "remedy": "run `ontem migrate`",
    }
    assert service.readiness.status_code == 200

    migrate(stores.postgres_url, environment="development")

    after = service.evaluate("during")
    assert (after.json["recorded"], after.headers.get("Idempotent-Replayed")) == (True, None)
    assert service.stored("o.generation, e.generation", "during") == [(2, 2)]
    assert service.states["postgresql"] == {"state": "ok"}


def test_on_a_restored_server_orders_are_refused_unless_the_policy_answers_them(service: InProcess):
    service.execute(RESTORED)
    refused = service.evaluate("during")

    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
    assert service.execute("SELECT count(*) FROM orders") == [(0,)]


def test_another_content_of_a_stored_order_is_refused_on_a_restored_server_too(service: InProcess):
    service.evaluate("before")
    service.execute(RESTORED)
    end_sessions(service.execute)

    assert service.evaluate("before", amount_cents=7).status_code == 409


def test_a_failover_is_registered_and_the_service_goes_on(service: InProcess):
    service.evaluate("before")
    service.execute(FAILED_OVER)
    end_sessions(service.execute)
    after = service.evaluate("after")

    assert after.json["recorded"] is True
    assert service.stored("o.generation, e.generation", "before") == [(1, 1)]
    assert service.stored("o.generation, e.generation", "after") == [(2, 2)]
    assert service.execute("SELECT count(*) FROM generations") == [(2,)]


def is_connected(database: Database) -> bool:
    """Whether a request could ask PostgreSQL now; on a busy machine connecting takes a while."""
    try:
        with database.session() as session:
            return session.call(lambda _: True, Deadline.within(timedelta(seconds=30)))
    except PostgresUnavailable:
        return False


def test_what_was_read_before_a_failover_keeps_its_generation(stores: Stores):
    """The transaction ids that a request could see are of the server that it read."""
    process = stores.process()
    served_model, dependencies = process.model.served_model, process.dependencies()
    past_reader = PastReader(served_model, dependencies.online)
    with connect(stores.postgres_url, application_name="test", autocommit=True) as admin:

        class FailingOver:
            @contextmanager
            def question(self, *asked: Any) -> Any:
                with past_reader.question(*asked) as answers:
                    past = answers.both()
                    admin.execute(FAILED_OVER)
                    end_sessions(executing(admin))
                    yield Mock(early_distant=lambda: past.distant, both=lambda: past)

        merchant, at_us = add_merchant(admin, "loja"), true_clocks().wall_us()
        request = EvaluationRequest(
            merchant, Order(order_id="1", amount_cents=1990), at_us, request_id="of-a-failover"
        )
        deadline = Deadline.within(process.limits.deadline)
        with dependencies.database.session() as session:
            evaluations = Evaluations(served_model, FailingOver())  # type: ignore[arg-type]
            evaluations.evaluate(session, request, deadline)
        dependencies.close()

        rows = admin.execute(
            "SELECT o.generation, e.generation FROM orders o JOIN evaluations e USING (order_pk)"
        )
        assert rows.fetchall() == [(2, 1)]


def test_a_standby_stores_nothing_and_its_promotion_is_a_new_generation(
    redis_url: str, model_folder: Path, features: FeatureSet
):
    with own_stack() as stack:
        url = stack.variables["ONTEM_POSTGRES_URL"]
        migrate(url, environment="development")
        with a_service(Stores(url, redis_url, model_folder, SECRET)) as service:
            service.evaluate("before")
            restart_as_standby(stack)
            during, states, ready = service.evaluate("during"), service.states, service.readiness
            promote(stack)
            after = until(lambda: service.evaluate("during"), is_answered)

        assert (during.status_code, ready.status_code) == (503, 200)
        assert states["postgresql"]["state"] == "standby"
        assert after.json["recorded"] is True
        with connect(url, application_name="test") as database:
            rows = database.execute("SELECT order_id, generation FROM evaluations ORDER BY 2")
            assert rows.fetchall() == [("before", 1), ("during", 2)]


def test_a_session_that_met_a_read_only_database_is_not_kept(service: InProcess):
    name = service.execute("SELECT current_database()")[0][0]
    service.evaluate("before")
    service.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    end_sessions(service.execute)
    during, states, ready = service.evaluate("during"), service.states, service.readiness
    service.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    states_after = service.states  # by the session that the other checks left read-only
    after = until(lambda: service.evaluate("during"), is_answered)

    assert during.status_code == 503
    assert (states["postgresql"]["state"], ready.status_code) == ("read-only", 200)
    assert states_after["postgresql"]["state"] == "ok"
    assert (after.status_code, after.json["recorded"]) == (200, True)


def test_a_server_that_becomes_read_only_ends_the_session_that_it_refuses(service: InProcess):
    """The session was writable when it was opened; only the refusal says that it is not."""
    service.evaluate("before")
    service.execute("CREATE SEQUENCE refused")  # a refused transaction still sets it
    service.execute("CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER"
                    " AS $$ BEGIN PERFORM setval('public.refused', pg_backend_pid());"
                    " RAISE 'read-only' USING ERRCODE = '25006'; END $$")  # fmt: skip
    service.execute(
        "CREATE TRIGGER refuse BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION refuse()"
    )
    during = service.evaluate("during")
    service.execute("DROP TRIGGER refuse ON orders")
    after = service.evaluate("during")

    assert (during.status_code, after.status_code) == (503, 200)
    ((refused,),) = service.execute("SELECT last_value FROM refused")
    kept = until(lambda: sessions_of(service.execute), lambda found: refused not in found)
    assert refused > 1
    assert refused not in kept


def test_one_wrong_reading_of_the_clock_costs_no_order(stores: Stores):
    error_us, true = 0, true_clocks()
    clocks = MachineClocks(lambda: true.wall_us() + error_us, true.monotonic_us)
    with a_service(stores, clocks) as service:
        assert service.evaluate("1").status_code == 200
        error_us = HOUR
        assert service.evaluate("2").status_code == 200
        assert service.readiness.status_code == 200
        error_us = 0
        assert service.evaluate("3").status_code == 200

        apart = service.execute("SELECT max(abs(extract(epoch FROM evaluated_at - now())))"
                                " FROM evaluations")  # fmt: skip
        assert apart[0][0] < HOUR / SECOND / 2


@pytest.mark.parametrize("error_us", [HOUR, -HOUR])
def test_a_clock_that_was_wrong_from_the_start_is_right_as_soon_as_it_is_set(
    stores: Stores, error_us: int
):
    true = true_clocks()
    clocks = MachineClocks(lambda: true.wall_us() + error_us, true.monotonic_us)
    with a_service(stores, clocks) as service:
        service.evaluate("during")
        assert service.readiness.status_code == 503
        error_us = 0
        after = service.evaluate("after")

        assert (after.status_code, service.readiness.status_code) == (200, 200)
        apart = service.execute(
            "SELECT abs(extract(epoch FROM evaluated_at - recorded_at)) FROM evaluations"
            " WHERE order_id = 'after'"
        )
        assert apart[0][0] < HOUR / SECOND / 2
