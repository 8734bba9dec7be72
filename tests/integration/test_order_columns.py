"""The batch and a request read an order with the same columns, of the same names and types."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from features_pkg.history.recent_events import RecentEvent
from features_pkg.identifiers import IDENTIFIERS, SINGLE_VALUED, Identifier
from features_pkg.queries import with_parameters
from tests.integration.history import NOON, History

SHARED = ("event_us", "amount_cents", *IDENTIFIERS)
VALUES = {name: f"some {name}" for name in SINGLE_VALUED}
NEWER = NOON + timedelta(days=1)


@pytest.fixture
def history(database_url: str) -> History:
    """The past of a merchant with one order, which has a value of each identifier."""
    history = History(database_url)
    history.order(NOON, **VALUES, product=["some product"], amount_cents=1990)
    return history


def the_order(history: History, query: str, values: Mapping[str, object]) -> dict[str, Any]:
    """Name -> type and value of each column that `query` gives for the one order."""
    sql, parameters = with_parameters(query, values)
    with history.connect() as connection:
        cursor = connection.execute(sql.encode(), parameters)
        columns = [(column.name, column.type_code) for column in cursor.description or ()]
        rows = [row for row in cursor.fetchall() if "visible" not in row]
    return {name: (code, value) for (name, code), value in zip(columns, rows[0], strict=True)}


def the_recent_order(history: History) -> dict[str, Any]:
    """The row of the order in the recent read of another order with the same values."""
    return the_order(
        history,
        "recent",
        {
            "merchant_id": history.merchant_id,
            "order_id": "another order",
            "from_at": dict.fromkeys(IDENTIFIERS, datetime(2018, 1, 1, tzinfo=UTC)),
            "to_at": NEWER,
            "settled_at": NEWER,
            "most_rows": 10,
            "held": False,
            "values": VALUES,
            "product": ["some product"],
        },
    )


def test_batch_and_request_read_the_same_columns(history: History) -> None:
    """But for the list of products, which an extraction copies out as a text."""
    extracted = the_order(history, "extract_orders", {"to_key": 2**62})
    recent = the_recent_order(history)
    names = [name for name in SHARED if name != Identifier.PRODUCT]

    assert {name: extracted[name] for name in names} == {name: recent[name] for name in names}
    assert recent["product"][1] == str(extracted["product"][1]).split("\x1f")


def test_the_recent_read_has_the_fields_of_a_recent_event_in_their_order(history: History) -> None:
    names = list(the_recent_order(history))

    assert names == ["event_us" if name == "at_us" else name for name in RecentEvent._fields]
