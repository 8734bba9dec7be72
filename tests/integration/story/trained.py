"""The end: the training set beside what was served, and what the question could not see."""

from datetime import datetime

import pyarrow as pa

from features_pkg.calendar import to_us
from features_pkg.definitions.velocity import parse_name
from features_pkg.engines import reference
from features_pkg.history.past_orders import PastOrder
from features_pkg.identifiers import Identifier
from jobs.training_set.run import TrainingPeriod, training_set
from ontem.demo.audit import compare_vectors, stored_vectors
from tests.integration.story import past
from tests.integration.story.asked import vector
from tests.integration.story.page import an_instant, table
from tests.integration.story.world import AS_OF, ASKED, COMPARED, DAY, LATER, World

COLUMNS = (
    "order_id", "asked_at", "snapshot_as_of", "live", "label", "label_reason", "label_known_at",
)  # fmt: skip
LIVE_ORDERS = 5
"""Those of the day that an evaluation is stored of: A-3, A-4 and what was asked with a fault."""

REASONS = {
    "A-1": "distant",
    "A-2": "distant",
    "A-3": "recent",
    "A-4": "not: the order itself",
    "A-5": "not: was not committed yet",
    "A-6": "not: was imported later",
}


def trained(world: World) -> dict[str, str]:
    """The training set of the day, and what the same question would be with hindsight."""
    built = _training_set(world)
    with world.connect() as connection:
        audit = compare_vectors(built, stored_vectors(connection), world.features)
    assert audit.orders == LIVE_ORDERS
    (row,) = (row for row in built.to_pylist() if row["order_id"] == "A-4")
    cells = [(name, _cell(row[name])) for name in COLUMNS]
    served, history = vector(world, "A-4"), history_of(world)
    lines = [
        (name, served[name], row[name], value_by_rule(world, name, history)) for name in COMPARED
    ]
    differ = f"of all features of all live orders of the day, {audit.different} differ\n"
    return {
        "training-row": table("column | value", cells),
        "training-values": table("feature | served | training set | with hindsight", lines)
        + differ,
        "visible": _visible(world),
    }


def _training_set(world: World) -> pa.Table:
    period = TrainingPeriod(first_day=AS_OF, end_day=AS_OF + DAY)
    return past.read_rows(world, training_set(world.job(LATER), period))


def _visible(world: World) -> str:
    """Which orders the fourth one's evaluation could see, by its load and its `visible`."""
    rows = world.rows(
        "SELECT o.order_id, o.event_at, o.recorded_xid < l.watermark,"
        " pg_visible_in_snapshot(o.recorded_xid, e.visible)"
        " FROM evaluations e JOIN loads l USING (load_id), orders o"
        " WHERE e.order_id = 'A-4' AND o.order_id LIKE 'A-%%' ORDER BY o.event_at, o.order_id"
    )
    lines = [(name, _cell(at), *visible, REASONS[name]) for name, at, *visible in rows]
    header = "order | event_at | below the load's watermark | in `visible` | counts as"
    return table(header, lines)


def history_of(world: World) -> list[PastOrder]:
    """All orders of the story as the reference engine reads them; now all of them are known."""
    rows = world.rows(
        "SELECT merchant_id, order_id, event_at, amount_cents, document, zip_code"
        " FROM orders WHERE order_id LIKE 'A-%%' ORDER BY event_at"
    )
    return [
        PastOrder(
            merchant,
            name,
            to_us(at),
            cents,
            {Identifier.DOCUMENT: (document,), Identifier.ZIP_CODE: (zip_code,)},
        )
        for merchant, name, at, cents, document, zip_code in rows
    ]


def value_by_rule(world: World, name: str, history: list[PastOrder]) -> int | None:
    """What the reference engine says of the fourth order, given this history."""
    velocity = parse_name(name)
    (order,) = (order for order in history if order.order_id == "A-4")
    if not order.values(velocity.identifier):
        return None
    question = reference.Question(to_us(ASKED), AS_OF.toordinal())
    return reference.value(velocity, order, question, history, world.calendar)


def _cell(value: object) -> object:
    return an_instant(to_us(value)) if isinstance(value, datetime) else value
