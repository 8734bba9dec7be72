"""Two nights of orders in which everything collides, and questions about them."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.table import Table

from features_pkg.calendar import Calendar, from_us, to_us
from features_pkg.entity_keys import EntityKeys
from features_pkg.identifiers import IDENTIFIERS, SINGLE_VALUED
from jobs.importing import ImportOptions, import_orders
from jobs.job import Job
from jobs.snapshot.facts import snapshot_slot
from jobs.snapshot.night import snapshot
from ontem.generating import generate
from stores.offline.tables import OfflineStore, find_table, open_store
from tests.integration.history import History
from tests.integration.imports import Recorder

CALENDAR = Calendar("America/Sao_Paulo")
DAYS = (date(2018, 4, 10), date(2018, 6, 1))
START, END = datetime(2017, 12, 1, tzinfo=UTC), datetime(2018, 6, 20, tzinfo=UTC)
ORDERS, QUESTIONS, VALUES = 1500, 150, 12
HOUR_US = 3_600_000_000
INSTANT = pa.timestamp("us", "UTC")


@dataclass(frozen=True, slots=True)
class CrowdedNights:
    """What the nights of `DAYS` made of the orders of one merchant."""

    job: Job
    store: OfflineStore
    merchant_id: int
    orders: pa.Table

    @property
    def table(self) -> Table:
        """The table of the snapshots."""
        slot = snapshot_slot(self.job.feature_set.timelines_id, DAYS[0])
        found = find_table(self.store, slot.table)
        assert found is not None
        return found

    def questions(self, day: date) -> pa.Table:
        """Orders of the past once more, at the first instant at which the day is due.

        One more names what nobody has seen before.
        """
        rng = np.random.default_rng(day.toordinal())
        rows = pa.array(rng.integers(0, self.orders.num_rows, QUESTIONS))
        stranger = dict.fromkeys(SINGLE_VALUED, "9" * 11) | {"product": ["9"]}
        asked = self.orders.take(rows).to_pylist()
        fixed = {"event_at": from_us(question_us(day)), "chargeback_at": None}
        return pa.Table.from_pylist(
            [
                row | fixed | {"order_id": f"q{number}"}
                for number, row in enumerate([*asked, asked[0] | stranger])
            ],
            schema=self.orders.schema,
        )

    def key(self, identifier: str, value: str) -> bytes:
        """The key of an entity."""
        keys = EntityKeys(self.job.settings.entity_secret, self.job.feature_set.timelines_id)
        return keys.key(self.merchant_id, identifier, value)


def crowded_nights(job: Job) -> CrowdedNights:
    """The orders imported into the job's empty database, and its two nights."""
    history, orders = History(job.settings.postgres_url), crowded_orders()
    options = ImportOptions(listener=Recorder(), processes=1)
    with job.connect() as connection:
        import_orders(connection, orders, history.merchant_id, options=options)
    for day in DAYS:
        snapshot(job, day)
    store = open_store(job.settings)
    return CrowdedNights(job, store, history.merchant_id, orders)


def crowded_orders() -> pa.Table:
    """Orders of a dozen values of each identifier, on whole hours.

    Nothing happens between the start of one of `DAYS` and its questions: no snapshot knows of it,
    but ages would.
    """
    rng, source = np.random.default_rng(11), generate(ORDERS, 200, 7, END)
    hours = (to_us(END) - to_us(START)) // HOUR_US
    at_us = to_us(START) + rng.integers(0, hours, ORDERS) * HOUR_US
    back_us = at_us + rng.integers(0, 60 * 24, ORDERS) * HOUR_US
    no_chargeback = (rng.random(ORDERS) < 0.5) | in_a_gap(back_us)
    columns: dict[str, Any] = {
        "order_id": [f"o{number}" for number in range(ORDERS)],
        "event_at": pa.array(at_us).cast(INSTANT),
        "amount_cents": rng.integers(0, 10**7, ORDERS),
        "chargeback_at": pa.array(back_us, mask=no_chargeback).cast(INSTANT),
    }
    for identifier in SINGLE_VALUED:
        values = pc.unique(source[identifier].drop_null())[:VALUES]
        columns[identifier] = values.take(
            pa.array(rng.integers(0, VALUES, ORDERS), mask=rng.random(ORDERS) < 0.1)
        )
    products = [[f"p{n}" for n in rng.choice(VALUES, size)] for size in rng.integers(0, 4, ORDERS)]
    table = pa.table(columns | {IDENTIFIERS[-1]: products})
    return table.filter(pa.array(~in_a_gap(at_us)))


def in_a_gap(us: Any) -> Any:
    """Which instants lie between the start of one of `DAYS` and its questions."""
    return np.any(
        [(us >= CALENDAR.cutoff_us(day.toordinal())) & (us < question_us(day)) for day in DAYS],
        axis=0,
    )


def question_us(day: date) -> int:
    """The first instant at which the snapshot of a day is due, with the lag of 4 hours."""
    return CALENDAR.cutoff_us(day.toordinal()) + 4 * HOUR_US
