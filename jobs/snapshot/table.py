"""The table of all snapshots of the same timelines: its columns, and what each says."""

from collections.abc import Iterator
from typing import Final

import pyarrow as pa

from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.identifiers import IDENTIFIERS, Event
from features_pkg.shuffle import STATE, snapshot_schema
from features_pkg.timelines.columns import distinct_column
from features_pkg.timelines.read import LISTED_DAYS
from jobs.snapshot.facts import PARTITION
from stores.offline.table_definition import TableDefinition, documented

KEY_DOCS: Final = {
    PARTITION: "The first civil day that is not counted; every event before it is.",
    "entity": "The keyed hash of one value of an identifier at one merchant, 24 bytes.",
    "identifier": "Which identifier it is a value of, such as document; or merchant.",
    "timeline": "What Redis holds of the entity: bytes that only Ontem reads.",
    STATE: "All that later events are added to: bytes that only Ontem reads.",
}
HAPPENINGS: Final = {Event.ORDER: "orders", Event.CHARGEBACK: "orders charged back"}
LISTED: Final = f"at most the {LISTED_DAYS} days before the one after the entity's last event"
NOT_KEPT: Final = "null where nothing is kept of them"


def snapshots_table(features: FeatureSet) -> TableDefinition:
    """The table of all snapshots that have these timelines."""
    return TableDefinition(
        columns=documented(
            pa.schema([(PARTITION, pa.date32()), *snapshot_schema(features)]),
            KEY_DOCS | dict(doc for event in Event for doc in _docs(event)),
        ),
        doc="What each entity did before a day: its newest row up to that. One partition per day.",
        partition=PARTITION,
    )


def _docs(event: Event) -> Iterator[tuple[str, str]]:
    name, orders = event.plural, HAPPENINGS[event]
    yield name, f"On each day the number of {orders} and their cents; {LISTED}; {NOT_KEPT}."
    yield f"{name}_older", f"The number of {orders} before the listed days; {NOT_KEPT}."
    yield f"{name}_older_cents", f"The cents of the {orders} before the listed days; {NOT_KEPT}."
    for which in ("first", "last"):
        yield f"{which}_{event}_at", f"The instant of the {which} {event}; null without any."
    for target in IDENTIFIERS:
        column = distinct_column(target, event)
        seen = f"different values of {target} that were last seen, in {orders},"
        yield column, f"On each day the number of {seen} on it; {LISTED}; {NOT_KEPT}."
        yield f"{column}_older", f"The number of {seen} before the listed days; {NOT_KEPT}."
