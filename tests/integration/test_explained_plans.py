"""An explanation reads the newest events by an index, whatever PostgreSQL knows of the tables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from features_pkg.calendar import to_us
from features_pkg.definitions.velocity import Past
from features_pkg.identifiers import IDENTIFIERS, Event, Identifier
from service.deadline import Deadline
from service.evaluation_answer import from_columns
from service.explaining.events import _PLANS, MOST_EVENTS, EventReader
from service.explaining.stored import Seen, StoredEvaluation
from service.statements import Statement
from tests.integration.planned_session import NOW, PlannedSession
from tests.integration.planned_states import NOBODY, STATES, each_state, nodes, scans
from tests.parity.rows import FEATURES

READER = EventReader(FEATURES)
BY_DELAY = {False: READER._statements, True: READER._distant_statements}
"""The statements of what is newest, and of what came before a delay."""
EVERYTHING = 2**62
CUTOFF_US = to_us(NOW - timedelta(hours=12))


def an_evaluation(**values: tuple[str, ...]) -> StoredEvaluation:
    """An evaluation that could see all rows, of an order that names these values."""
    answer = (None, None, "allow", "", "", None, 0, [], NOW)
    return StoredEvaluation(
        answer=from_columns(answer, order_id="new", card=None),
        values=None,
        evaluated_us=to_us(NOW),
        as_of=NOW.date().toordinal(),
        stale_days=0,
        cutoff_us=CUTOFF_US,
        seen=Seen(EVERYTHING, EVERYTHING, ()),
        identifiers={name: values.get(name, ()) for name in IDENTIFIERS},
    )


class ExplainingSession:
    """A session of the service, and the transactions in which it explains."""

    def __init__(self, url: str) -> None:
        self._planned = PlannedSession(url, NOBODY)
        self.connection = self._planned.connection

    @contextmanager
    def explaining(self) -> Iterator[None]:
        with self._planned.transaction():
            self.connection.execute(_PLANS, ("60000",))
            yield

    def plan(self, statement: Statement) -> dict[str, Any]:
        """The plan that serves all merchants and values."""
        text = b"EXPLAIN (GENERIC_PLAN, FORMAT JSON) " + statement.text
        with self.explaining():
            (row,) = self.connection.execute(text).fetchall()
        return row[0][0]["Plan"]  # type: ignore[index]

    def read(self, evaluation: StoredEvaluation) -> tuple[Any, int]:
        """The events of all that it names, and how many rows were read for them."""
        with self.explaining():
            before = self._planned.rows_read()
            deadline = Deadline.within(timedelta(minutes=5))
            found = READER.read(self.connection, 1, evaluation, deadline)
            return found, self._planned.rows_read() - before


@pytest.fixture(scope="module")
def plans(module_database_url: str) -> dict[tuple[str, Identifier, bool], dict[str, Any]]:
    """The plans in each state of the tables, which are left full and without statistics."""
    found = {}
    for state in each_state(module_database_url):
        session = ExplainingSession(module_database_url)
        for is_delayed, statements in BY_DELAY.items():
            found |= {(state, name, is_delayed): session.plan(s) for name, s in statements.items()}
        session.connection.close()
    return found


@pytest.mark.parametrize("state", STATES)
def test_events_are_walked_along_an_index_and_never_sorted(
    plans: dict[tuple[str, Identifier, bool], dict[str, Any]], state: str
) -> None:
    for (planned_in, identifier, _), plan in plans.items():
        if planned_in != state:
            continue
        kinds = {node["Node Type"] for node in nodes(plan)}
        assert not kinds & {"Sort", "Incremental Sort", "Bitmap Heap Scan", "Seq Scan"}, identifier
        walked = {scan["Index Name"] for scan in scans(plan) if "event_at" in scan["Index Cond"]}
        own = "order_products_pkey" if identifier.several else f"orders_{identifier}"
        assert walked == {own, "chargeback_entities_pkey"}


def test_of_very_many_events_no_more_are_read_than_are_told(
    plans: dict[tuple[str, Identifier, bool], dict[str, Any]], module_database_url: str
) -> None:
    session = ExplainingSession(module_database_url)
    found, rows_read = session.read(an_evaluation(zip_code=("01310100",)))
    session.connection.close()

    (entity,) = found[Identifier.ZIP_CODE]
    distant = entity.of(Event.ORDER, Past.DISTANT)
    recent = entity.of(Event.ORDER, Past.RECENT)
    assert (len(distant.events), distant.is_whole) == (MOST_EVENTS, False)
    assert 500 < len(recent.events) < MOST_EVENTS
    assert recent.is_whole
    assert [e.at_us for e in distant.events] == sorted(
        (e.at_us for e in distant.events), reverse=True
    )
    assert distant.events[0].at_us < CUTOFF_US <= to_us(NOW)
    chargebacks = sum(len(entity.of(Event.CHARGEBACK, past).events) for past in Past)
    delayed = [len(older.events) for older in entity.delayed.values()]
    assert delayed
    of_delays = 4 * sum(delayed) + len(delayed)
    assert rows_read <= MOST_EVENTS + 1 + len(recent.events) + 4 * chargebacks + of_delays
