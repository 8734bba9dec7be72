"""A request reads only what matches its order, whatever PostgreSQL knew when it made the plans.

Shapes of plans are read from EXPLAIN of the service's own prepared statements. Rows that are read
are counted, in sessions that made their plans while every table was empty.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from features_pkg.calendar import to_us
from features_pkg.identifiers import SINGLE_VALUED
from stores.postgres.chargebacks import ChargebackKind
from stores.postgres.connection import connect
from stores.postgres.issued_keys import issue_key
from stores.postgres.merchants import all_merchants
from tests.integration.planned_session import NOW, STATEMENTS, PlannedSession, an_order, held_until
from tests.integration.planned_states import (
    EVERYBODY,
    FILL,
    NOBODY,
    STATES,
    TABLES,
    each_state,
    scans,
)

WINDOW = {("event_at", ">="), ("event_at", "<")}
KEYS = {
    "orders_pkey": ["order_pk"],
    "orders_identity": ["merchant_id", "order_id"],
    "chargebacks_identity": ["merchant_id", "order_id", "kind"],
    "evaluations_identity": ["merchant_id", "order_id"],
    "evaluations_pkey": ["evaluation_id"],
    "order_products_pkey": ["merchant_id", "product"],
    "chargeback_entities_pkey": ["merchant_id", "identifier", "value"],
    "imports_recorded": ["merchant_id"],
    **{f"orders_{name}": ["merchant_id", name] for name in SINGLE_VALUED},
}
IN_WINDOW = {"order_products_pkey", "chargeback_entities_pkey"} | {
    f"orders_{name}" for name in SINGLE_VALUED
}


def is_narrow(scan: dict[str, Any]) -> bool:
    """Whether a scan goes straight to the rows that match, by all of the key and the window."""
    index = scan.get("Index Name")
    if scan["Node Type"] not in {"Index Scan", "Index Only Scan"} or index not in KEYS:
        return False
    conditions = set(re.findall(r'"?(\w+)"? (=|>=|<) ', scan["Index Cond"]))
    if (
        index == "imports_recorded"
        and "ROW(generation, recorded_xid) >= " not in scan["Index Cond"]
    ):
        return False
    wanted = {(column, "=") for column in KEYS[index]} | (WINDOW if index in IN_WINDOW else set())
    return wanted <= conditions


@dataclass
class Past:
    """A database that was empty when two sessions made their plans, and plans of later sessions.

    The `rehearsed` one made them for nobody, while the tables were full and known.
    """

    reader: PlannedSession
    writer: PlannedSession
    rehearsed: PlannedSession | None = None
    plans: dict[tuple[str, str, int], dict[str, Any]] = field(default_factory=dict)


@pytest.fixture(scope="module")
def past(module_database_url: str) -> Iterator[Past]:
    found = Past(PlannedSession(module_database_url), PlannedSession(module_database_url))
    for state in each_state(module_database_url):
        for merchant_id in (NOBODY, EVERYBODY):
            session = PlannedSession(module_database_url, merchant_id)
            found.plans |= {
                (state, name, merchant_id): session.explain(t) for name, t in STATEMENTS.items()
            }
            session.connection.close()
        if state == "full":
            found.rehearsed = PlannedSession(module_database_url, NOBODY)
    yield found
    found.rehearsed.connection.close()
    found.reader.connection.close()
    found.writer.connection.close()


@pytest.mark.parametrize("merchant_id", [NOBODY, EVERYBODY])
@pytest.mark.parametrize("statement", STATEMENTS)
@pytest.mark.parametrize("state", STATES)
def test_each_scan_of_a_request_goes_straight_to_the_rows_that_match(
    past: Past, state: str, statement: str, merchant_id: int
) -> None:
    """Whoever the plan was made for: it serves all merchants."""
    found = scans(past.plans[state, statement, merchant_id])

    assert found
    assert [scan for scan in found if not is_narrow(scan)] == []


def test_the_recent_read_looks_up_each_identifier_once_for_each_event(past: Past) -> None:
    indexes = [
        scan["Index Name"] for scan in scans(past.plans["empty", "the recent read", EVERYBODY])
    ]

    assert sorted(set(indexes) & IN_WINDOW) == sorted(IN_WINDOW)
    assert len(indexes) == len(IN_WINDOW) + 4  # the order itself, and two tables behind the keys


def read_rows(plan: dict[str, Any]) -> int:
    return sum(
        (scan["Actual Rows"] + scan.get("Rows Removed by Filter", 0)) * scan["Actual Loops"]
        for scan in scans(plan)
    )


def test_chargebacks_of_others_cost_a_session_nothing_that_was_prepared_while_there_were_none(
    past: Past,
) -> None:
    plan = past.reader.explain_recent(an_order())

    assert past.reader.events(an_order()) == []
    assert read_rows(plan) == 0
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 100


@pytest.mark.parametrize(
    "named",
    [{"document": "d4"}, {"zip_code": "01310100"}, {"seller": "s1", "product": ("p1", "p2")}],
)
def test_the_rows_that_are_read_are_those_that_match(past: Past, named: dict[str, Any]) -> None:
    """An event is a row of its key; a product's and a chargeback's is two or three."""
    order = an_order(**named)
    events = past.reader.events(order)

    assert {row[2] for row in events} == {"order", "chargeback"}
    for session in (past.reader, past.rehearsed):
        assert read_rows(session.explain_recent(order)) <= 3 * len(events)


def test_no_more_rows_of_an_entity_are_read_than_the_limit(past: Past) -> None:
    """Of orders, of those of a product and of chargebacks; each may be two or three rows."""
    order = an_order(zip_code="01310100", seller="s1", product=("p1", "p2"))

    for session in (past.reader, past.rehearsed):
        assert read_rows(session.explain_recent(order)) > 1_500
        assert read_rows(session.explain_recent(order, most_rows=10)) <= 2 * 10 + 2 * 22 + 4 * 30


def test_what_is_held_is_not_read(past: Past) -> None:
    held = held_until(1, to_us(NOW) - 3_600_000_000)
    order = an_order(zip_code="01310100")
    came = [
        row for row in past.reader.events(order) if row[3] >= held.settled_us
    ]  # one in half a minute

    for session in (past.reader, past.rehearsed):
        assert 0 < read_rows(session.explain_since(order, held)) <= 3 * len(came) + 1


@pytest.mark.parametrize("kind", ["chargeback", "reversal"])
def test_what_is_stored_reads_no_other_rows(past: Past, kind: ChargebackKind) -> None:
    """Also in the triggers, which have plans of their own."""
    assert past.writer.rows_to_store(kind) <= 12


def test_a_key_is_looked_up_by_itself(past: Past, module_database_url: str) -> None:
    with connect(module_database_url, application_name="tests", autocommit=True) as connection:
        keys = [issue_key(connection, merchant) for merchant in all_merchants(connection)]

    assert [past.reader.rows_to_authenticate(key) for key in keys] == [2] * 9


def test_a_plan_that_was_made_for_nobody_serves_the_only_merchant(database_url: str) -> None:
    """Who is estimated to have no row would make any index of his as good as the right one."""
    of_one = FILL.replace("CASE WHEN n % 10 = 0 THEN 2 + n % 7 ELSE 1 END", "1")
    of_one = of_one.replace("1 + n % 9", "1")
    with connect(database_url, application_name="tests", autocommit=True) as connection:
        connection.execute("INSERT INTO merchants (name) VALUES ('only')")
        for statement in (*filter(str.strip, of_one.split(";")), f"VACUUM ANALYZE {TABLES}"):
            connection.execute(statement.encode())
    session = PlannedSession(database_url, NOBODY)
    order = an_order(seller="s1", product=("p1", "p2"))

    assert read_rows(session.explain_recent(order)) <= 3 * len(session.events(order))
    for text in STATEMENTS.values():
        assert [scan for scan in scans(session.explain(text)) if not is_narrow(scan)] == []
    session.connection.close()
