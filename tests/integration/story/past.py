"""The first half: from the import file through PostgreSQL and the night to Redis."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import redis

from features_pkg.calendar import to_us
from features_pkg.history.sorted_events import SortedEvents
from features_pkg.identifiers import Event, Identifier
from features_pkg.shuffle import RowKind, explode
from features_pkg.shuffle.group import groups
from features_pkg.shuffle.rows import ENTITY_KINDS, NUMBER_OF
from features_pkg.timelines.read import EventTimeline, decode
from jobs.extract.run import extract
from jobs.importing import import_chargebacks, import_orders
from jobs.importing.load import ImportOptions, ImportResult
from jobs.snapshot.facts import SnapshotFacts
from jobs.snapshot.night import snapshot
from jobs.spark.reading import read_chargebacks, read_events, read_orders, with_chargebacks
from jobs.watermark import wait_for_read_bounds
from stores.offline.revisions import Revision, read_revision
from stores.offline.tables import open_store
from tests.integration.story.page import an_instant, table
from tests.integration.story.world import (
    AS_OF,
    CHARGEBACKS,
    DAY,
    FILE,
    LATE_FILE,
    LATER,
    NIGHT,
    World,
)

ORDER_COLUMNS = (
    "order_pk, order_id, event_at, evaluated_at, import_id, amount_cents, document, zip_code"
)


def imported(world: World) -> dict[str, str]:
    """The file, and what it became in PostgreSQL."""
    result = _import(world, import_orders, "orders.csv", FILE, NIGHT)
    assert (result.orders_new, result.rows_refused) == (2, 0)
    rows = world.rows(f"SELECT {ORDER_COLUMNS} FROM orders ORDER BY order_pk")
    cells = [[an_instant(to_us(c)) if isinstance(c, datetime) else c for c in row] for row in rows]
    stored = table(ORDER_COLUMNS.replace(", ", " | "), cells)
    return {"import-file": FILE, "postgresql": stored}


def imported_later(world: World) -> None:
    """Weeks later: one more order of the past, and a chargeback of the order that asked."""
    _import(world, import_orders, "late.csv", LATE_FILE, LATER)
    _import(world, import_chargebacks, "chargebacks.csv", CHARGEBACKS, LATER)


def _import(
    world: World, load: Callable[..., ImportResult], name: str, text: str, clock: datetime
) -> ImportResult:
    options = ImportOptions(timezone=world.settings.timezone, processes=1)
    path = world.a_file(name, text)
    with world.connect(clock) as connection:
        return load(connection, path, world.merchant.merchant_id, options=options)


def shuffled(world: World) -> dict[str, str]:
    """The rows that the night's `explode` makes of the orders before the cutoff."""
    rows = sorted(
        _exploded(world, AS_OF, NIGHT).to_pylist(),
        key=lambda row: (-row["identifier"], row["at_us"]),
    )
    lines = [
        (
            row["entity_hi"].to_bytes(8, "little", signed=True).hex()[:8] + "…",
            ENTITY_KINDS[row["identifier"]],
            RowKind(row["kind"]).name.lower(),
            row["order_pk"],
            row["at_us"],
            row["amount_cents"],
            ", ".join(ENTITY_KINDS[number] for number in row["target"] or ()),
        )
        for row in rows
    ]
    header = "entity | identifier | kind | order_pk | at_us | amount_cents | target"
    return {"shuffle": table(header, lines)}


def sorted_events(world: World, order_ids: tuple[str, ...]) -> SortedEvents:
    """The order events of the CPF as the arrays engine reads them, of these orders only."""
    found = world.rows("SELECT order_pk FROM orders WHERE order_id = ANY (%s)", list(order_ids))
    rows = _exploded(world, AS_OF + DAY, LATER).filter(
        pc.is_in(pc.field("order_pk"), pa.array([pk for (pk,) in found]))
    )
    (group,) = (group for group in groups(rows) if group.name == Identifier.DOCUMENT)
    return group.events(Event.ORDER, (Identifier.ZIP_CODE,), world.calendar)


def _exploded(world: World, as_of: date, clock: datetime) -> pa.Table:
    """The orders before a day, read by Spark as the night reads them, exploded."""
    job = world.job(clock)
    store = open_store(job.settings)
    with job.connect() as connection:
        bounds = wait_for_read_bounds(connection, as_of, world.calendar, say=lambda _: None)
        extracted = extract(job, connection, store, bounds.newest).extractions
    events = read_events(world.spark, store.files, extracted)
    chargebacks = read_chargebacks(events, bounds.watermark_key, before=bounds.cutoff)
    batch = with_chargebacks(read_orders(events, bounds), chargebacks, extracted.rows).toArrow()
    return explode(batch, world.features.timeline_targets)


def night(world: World) -> dict[str, str]:
    """The night: its Parquet, and the bytes that it leaves in Redis."""
    load = snapshot(world.job(NIGHT), AS_OF).load
    revision = read_revision(open_store(world.job(NIGHT).settings), load.revision, SnapshotFacts)
    for row in read_rows(world, revision).to_pylist():
        world.timelines[row["identifier"], row["entity"].hex()] = row["timeline"]
    lines = [
        (f"{entity[:8]}…", identifier, _shortened(timeline.hex()))
        for (identifier, entity), timeline in sorted(world.timelines.items(), key=_last_is_document)
    ]
    facts = f"as of {revision.facts.as_of}, {revision.rows} entities"
    committed = f"committed as {load.revision}: {facts}\n"
    return {
        "parquet": table("entity | identifier | timeline", lines) + committed,
        "timeline": _timeline_lines(world),
        "redis": _redis_lines(world),
    }


def _last_is_document(item: tuple[tuple[str, str], bytes]) -> tuple[int, str]:
    (identifier, entity), _ = item
    return -NUMBER_OF[identifier], entity


def read_rows(world: World, revision: Revision[Any]) -> pa.Table:
    """The rows of all files of a revision."""
    files = open_store(world.job(NIGHT).settings).files
    tables = []
    for file in revision.files:
        with files.open(file.key) as source:
            tables.append(pq.read_table(source))
    return pa.concat_tables(tables)


def document_timeline(world: World) -> EventTimeline:
    """What the night knows of the CPF's orders."""
    timeline = decode(world.document_bytes).of(Event.ORDER)
    assert timeline is not None
    return timeline


def document_targets(world: World) -> tuple[Identifier, ...]:
    """The targets that timelines of documents keep."""
    return world.features.timeline_targets[Identifier.DOCUMENT, Event.ORDER]


def zip_codes_by_day(world: World) -> dict[int, int]:
    """How many CEPs were last seen on each listed day of the CPF's timeline."""
    timeline = document_timeline(world)
    days, counts, _ = timeline._targets[document_targets(world).index(Identifier.ZIP_CODE) + 1]
    return {timeline._start + day: count for day, count in zip(days, counts, strict=True)}


def _timeline_lines(world: World) -> str:
    timeline = document_timeline(world)
    days = [str(AS_OF.fromordinal(timeline._start + day)) for day in timeline._days]
    zip_codes = zip_codes_by_day(world).values()
    by_day = list(zip(days, timeline._counts, timeline._cents, zip_codes, strict=True))
    lines = [
        f"first order {an_instant(timeline.first_us)}, last order {an_instant(timeline.last_us)}",
        f"older than 90 days: {timeline._older} orders of {timeline._older_cents} cents",
    ]
    header = "day | orders | cents | CEPs last seen on it"
    return table(header, by_day) + "\n".join(lines) + "\n"


def _redis_lines(world: World) -> str:
    timeline = world.document_bytes
    ((load_id, as_of, entities),) = world.rows("SELECT load_id, as_of, entities FROM loads")
    ((name, value),) = ((n, v) for n, v in redis_strings(world).items() if timeline in v)
    before, _, after = value.partition(timeline)
    parts = [("before", before), ("the timeline", timeline), ("after", after)]
    lines = [
        f"load {load_id}: as of {as_of}, {entities} entities",
        f"GET {name}",
        *(
            f"  {part.hex()[start : start + 96]}"
            for _, part in parts
            for start in range(0, 2 * len(part), 96)
        ),
    ]
    return "\n".join(lines) + "\n"


def redis_strings(world: World) -> dict[str, bytes]:
    """All texts in Redis by their keys."""
    with redis.Redis.from_url(world.redis_url) as client:
        names: list[Any] = sorted(client.scan_iter(_type="string"))
        values: Any = client.mget(names)
    return {name.decode(): value for name, value in zip(names, values, strict=True)}


def _shortened(text: str, length: int = 56) -> str:
    return text if len(text) <= length else f"{text[:length]}…"
